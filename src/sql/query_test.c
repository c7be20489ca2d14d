// SPDX-License-Identifier: Apache-2.0
#include "sql/query.h"

#include "base/map.h"
#include "data/cast.h"
#include "sql/exec/builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct type *events_type(struct arena *arena)
{
    const struct type *type = NULL;
    err_t err = type_parse(
        &type, arena, bytes_from("struct<key:string,value:binary,amount:int,ts:timestamp>"), NULL);
    assert_int_equal(err, ERR_OK);
    return type;
}

static err_t resolve(void *ctx, struct arena *arena, const char *const *parts, size_t part_count,
                     const struct type **type, void **id, struct diag *diag)
{
    (void)part_count;
    if (strcmp(parts[0], "events") != 0)
        return FAIL(diag, ERR_NOT_FOUND, "only events is here");
    *type = events_type(arena);
    *id = ctx;
    return ERR_OK;
}

static const struct sql_catalog catalog = {.resolve = resolve};

static struct sql_query *compile(const char *sql)
{
    struct sql_options options = {0};
    struct sql_query *query = NULL;
    struct diag diag = DIAG_INIT;
    if (sql_compile(&query, &catalog, bytes_from(sql), &options, &diag))
        fail_msg("%s", diag_text(&diag));
    return query;
}

static void refuses(const char *sql, err_t code, const char *words)
{
    struct sql_options options = {0};
    struct sql_query *query = NULL;
    struct diag diag = DIAG_INIT;
    assert_int_equal(sql_compile(&query, &catalog, bytes_from(sql), &options, &diag), code);
    if (!strstr(diag_text(&diag), words))
        fail_msg("expected \"%s\" in: %s", words, diag_text(&diag));
}

// Rows "key,json,amount" as a batch of events; "-" is NULL.
static void events(struct batch *batch, struct arena *arena, const char *const (*rows)[3],
                   size_t count)
{
    static const char *const names[] = {"key", "value", "amount", "ts"};
    const struct type *type = events_type(arena);
    batch->count = count;
    batch->column_count = 4;
    batch->names = names;
    batch->columns = ARENA_ARRAY(arena, struct column, 4);
    for (size_t c = 0; c < 4; c++) {
        struct builder builder;
        builder_init(&builder, arena, type->fields[c].type, count);
        for (size_t r = 0; r < count; r++)
            if (c == 3)
                builder_long(&builder, (int64_t)r);
            else if (rows[r][c][0] == '-')
                builder_null(&builder);
            else if (c == 2)
                builder_int(&builder, (int32_t)strtol(rows[r][c], NULL, 10));
            else
                builder_text(&builder, bytes_from(rows[r][c]));
        builder_finish(&builder, &batch->columns[c]);
    }
}

static void show(struct str *out, const struct batch *batch)
{
    static const struct cast_options options = {0};
    for (size_t r = 0; r < batch->count; r++) {
        for (size_t c = 0; c < batch->column_count; c++) {
            str_append_text(out, c ? "|" : "");
            if (column_is_null(&batch->columns[c], r))
                str_append_text(out, "null");
            else
                cast_value_text(out, &batch->columns[c], r, &options);
        }
        str_append_byte(out, '\n');
    }
}

static void errors_point_at_the_place_with_a_caret(void **state)
{
    (void)state;
    refuses("SELECT amount,\n       key\nFROM events WHERE amont > 1", ERR_NOT_FOUND,
            "line 3, column 19: [UNRESOLVED_COLUMN] there is no column `amont`, did you mean "
            "`amount`?\nFROM events WHERE amont > 1\n                  ^");
    refuses("SELECT 1 FROM", ERR_SYNTAX, "line 1, column 14: the statement ends here");
    refuses("SELECT (1 + 2 FROM events", ERR_SYNTAX, "expected ')'");
    refuses("SELECT 'abc", ERR_SYNTAX, "not closed");
    refuses("SELECT lenght(key) FROM events", ERR_UNSUPPORTED, "did you mean length?");
    refuses("SELECT key FROM nowhere", ERR_NOT_FOUND, "there is no table nowhere");
    refuses("SELECT key, sum(amount) FROM events", ERR_INVALID, "MISSING_AGGREGATION");
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    struct str sql = {0};
    str_append_text(&sql, "SELECT ");
    for (int i = 0; i < 100000; i++)
        str_append_byte(&sql, '(');
    refuses(str_text(&sql), ERR_TOO_LARGE, "nested deeper");
    str_clear(&sql);
    str_append_text(&sql, "SELECT 1 FROM events WHERE true");
    for (int i = 0; i < 100000; i++)
        str_append_text(&sql, " AND true");
    refuses(str_text(&sql), ERR_TOO_LARGE, "nested deeper");
    str_clear(&sql);
    str_append_text(&sql, "SELECT 1");
    for (int i = 0; i < 100000; i++)
        str_append_text(&sql, "+1");
    refuses(str_text(&sql), ERR_TOO_LARGE, "nested deeper");
    str_release(&sql);
}

static void a_projection_of_json_runs_batch_by_batch(void **state)
{
    (void)state;
    struct sql_query *query =
        compile("SELECT d.id, upper(d.name) AS name, d.n * 2 AS n FROM (SELECT upper(key) AS "
                "unused, from_json(CAST(value "
                "AS STRING), 'id STRING, name STRING, unused ARRAY<INT>, n INT') AS d FROM events) "
                "WHERE d.id IS NOT NULL");
    assert_int_equal(sql_query_kind(query), SQL_STATELESS);
    assert_int_equal(sql_query_source_count(query), 1);
    const struct sql_source *source = sql_query_source(query, 0);
    assert_false(source->needed[0]);
    assert_true(source->needed[1]);
    assert_false(source->needed[2]);
    assert_string_equal(sql_query_names(query)[1], "name");

    struct arena arena = ARENA_INIT;
    static const char *const rows[][3] = {
        {"a", "{\"id\":\"1\",\"name\":\"ann\",\"n\":4}", "1"},
        {"b", "nonsense", "2"},
        {"c", "{\"id\":\"3\",\"n\":\"x\",\"unused\":[1]}", "3"},
    };
    struct sql_run *run = NULL;
    struct diag diag = DIAG_INIT;
    assert_int_equal(sql_run_open(&run, query, &diag), ERR_OK);
    for (int round = 0; round < 2; round++) {
        struct batch in, out;
        struct str text = {0};
        events(&in, &arena, rows, 3);
        in.columns[0] = (struct column){0}; // not needed, so not given
        assert_int_equal(sql_run_batch(run, &in, 0, &arena, &out, &diag), ERR_OK);
        show(&text, &out);
        assert_string_equal(str_text(&text), "1|ANN|8\n3|null|null\n");
        str_release(&text);
        arena_clear(&arena);
    }
    sql_run_close(run);
    sql_query_free(query);
    arena_release(&arena);
}

MAP_DEFINE(state_map, struct bytes, struct bytes, bytes_hash, bytes_equal);

struct store {
    struct arena arena;
    struct state_map map;
    int loads;
};

static err_t load(void *ctx, struct bytes key, struct bytes *state, struct diag *diag)
{
    (void)diag;
    struct store *store = ctx;
    struct bytes *found = state_map_get(&store->map, key);
    *state = found ? *found : BYTES_NULL;
    store->loads++;
    return ERR_OK;
}

static void update(struct sql_agg *agg, struct store *store, const char *const (*rows)[3],
                   size_t count, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct batch in, out;
    struct diag diag = DIAG_INIT;
    struct sql_agg_store face = {.ctx = store, .load = load};
    struct sql_agg_change *changes;
    size_t change_count;
    struct str text = {0};
    events(&in, &arena, rows, count);
    if (sql_agg_update(agg, &in, 0, &face, &diag) ||
        sql_agg_take(agg, &arena, &out, &changes, &change_count, &diag))
        fail_msg("%s", diag_text(&diag));
    show(&text, &out);
    assert_string_equal(str_text(&text), expected);
    for (size_t i = 0; i < change_count; i++)
        *state_map_put(&store->map, arena_bytes(&store->arena, changes[i].key), NULL) =
            arena_bytes(&store->arena, changes[i].state);
    sql_agg_clear(agg);
    str_release(&text);
    arena_release(&arena);
}

static void groups_survive_by_their_saved_state(void **state)
{
    (void)state;
    struct sql_query *query = compile(
        "SELECT key, count(*) AS n, sum(amount) AS total, avg(amount), min(amount), max(amount), "
        "count(DISTINCT amount), collect_list(amount), last(amount), stddev_pop(amount) = 0 "
        "FROM events WHERE amount IS NOT NULL GROUP BY key HAVING count(*) > 1");
    assert_int_equal(sql_query_kind(query), SQL_AGGREGATE);
    struct sql_agg *agg = NULL;
    struct store store = {0};
    assert_int_equal(sql_agg_open(&agg, query, NULL), ERR_OK);
    static const char *const first[][3] = {
        {"a", "-", "5"}, {"b", "-", "7"}, {"a", "-", "3"}, {"a", "-", "-"}};
    update(agg, &store, first, 4, "a|2|8|4.0|3|5|2|[5, 3]|3|false\n");
    static const char *const second[][3] = {{"b", "-", "7"}};
    update(agg, &store, second, 1, "b|2|14|7.0|7|7|1|[7, 7]|7|true\n");
    static const char *const third[][3] = {{"a", "-", "5"}, {"c", "-", "1"}};
    update(agg, &store, third, 2, "a|3|13|4.333333333333333|3|5|2|[5, 3, 5]|5|false\n");
    assert_int_equal(store.loads, 5);
    sql_agg_close(agg);
    sql_query_free(query);
    state_map_release(&store.map);
    arena_release(&store.arena);
}

static void damaged_state_is_refused(void **state)
{
    (void)state;
    struct sql_query *query =
        compile("SELECT key, max(value), collect_set(amount) FROM events GROUP BY key");
    struct sql_agg *agg = NULL;
    struct store store = {0};
    assert_int_equal(sql_agg_open(&agg, query, NULL), ERR_OK);
    static const char *const rows[][3] = {{"a", "x", "5"}};
    update(agg, &store, rows, 1, "a|x|[5]\n");
    struct arena arena = ARENA_INIT;
    struct sql_agg_store face = {.ctx = &store, .load = load};
    for (size_t slot = 0; slot < store.map.capacity; slot++) {
        if (!store.map.used[slot])
            continue;
        struct bytes whole = store.map.values[slot];
        for (size_t size = 0; size < whole.size; size++) {
            struct batch in;
            struct diag diag = DIAG_INIT;
            store.map.values[slot].ptr = arena_dup(&arena, whole.ptr, size + 1);
            store.map.values[slot].size = size;
            events(&in, &arena, rows, 1);
            assert_int_equal(sql_agg_update(agg, &in, 0, &face, &diag), ERR_CORRUPT);
            sql_agg_clear(agg);
        }
    }
    sql_agg_close(agg);
    sql_query_free(query);
    state_map_release(&store.map);
    arena_release(&store.arena);
    arena_release(&arena);
}

static void kinds_of_queries_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        enum sql_kind kind;
    } cases[] = {
        {"SELECT key FROM events", SQL_STATELESS},
        {"SELECT explode(split(key, ' ')) FROM events", SQL_STATELESS},
        {"SELECT key FROM events ORDER BY key", SQL_BATCH},
        {"SELECT key FROM events LIMIT 1", SQL_BATCH},
        {"SELECT key, count(*) FROM events GROUP BY key", SQL_AGGREGATE},
        {"SELECT DISTINCT key FROM events", SQL_AGGREGATE},
        {"SELECT window.start, count(*) FROM events GROUP BY window(ts, '1 minute')",
         SQL_AGGREGATE},
        {"SELECT count(*) FROM (SELECT key, count(*) FROM events GROUP BY key)", SQL_BATCH},
        {"SELECT a.key FROM events a JOIN events b ON a.key = b.key", SQL_BATCH},
        {"SELECT 1", SQL_BATCH},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sql_query *query = compile(cases[i].sql);
        if (sql_query_kind(query) != cases[i].kind)
            fail_msg("%s", cases[i].sql);
        sql_query_free(query);
    }
}

static err_t one_value(void *ctx, const struct batch *batch, struct diag *diag)
{
    (void)diag;
    show(ctx, batch);
    return ERR_OK;
}

static err_t evaluate(const char *expression, bool ansi, struct str *out, struct diag *diag)
{
    struct str sql = {0};
    str_printf(&sql, "SELECT %s", expression);
    struct sql_options options = {.ansi = ansi};
    struct sql_query *query = NULL;
    err_t compiled = sql_compile(&query, NULL, str_bytes(&sql), &options, diag);
    str_release(&sql);
    TRY(compiled);
    struct sql_io io = {.ctx = out, .push = one_value};
    err_t err = sql_execute(query, &io, 0, diag);
    sql_query_free(query);
    return err;
}

static void ansi_mode_fails_where_the_default_gives_null_or_wraps(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *plain, *ansi;
    } cases[] = {
        {"2147483647 + 1", "-2147483648\n", "ARITHMETIC_OVERFLOW"},
        {"1 / 0", "null\n", "DIVIDE_BY_ZERO"},
        {"5 % 0", "null\n", "DIVIDE_BY_ZERO"},
        {"CAST('x' AS INT)", "null\n", "CAST_INVALID_INPUT"},
        {"array(1)[5]", "null\n", "INVALID_ARRAY_INDEX"},
        {"CASE WHEN 1 = 1 THEN 2 ELSE 1 / 0 END", "2.0\n", NULL},
        {"coalesce(1.0D, 1 / 0)", "1.0\n", NULL},
        {"try_add(2147483647, 1)", "null\n", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str out = {0};
        struct diag diag = DIAG_INIT;
        assert_int_equal(evaluate(cases[i].sql, false, &out, &diag), ERR_OK);
        assert_string_equal(str_text(&out), cases[i].plain);
        str_clear(&out);
        err_t err = evaluate(cases[i].sql, true, &out, &diag);
        assert_int_equal(err != ERR_OK, cases[i].ansi != NULL);
        if (cases[i].ansi && !strstr(diag_text(&diag), cases[i].ansi))
            fail_msg("%s: %s", cases[i].sql, diag_text(&diag));
        str_release(&out);
    }
}

static void grouping_by_two_fields_of_one_struct_keeps_them_apart(void **state)
{
    (void)state;
    static const char query[] = "(SELECT concat(s.a, s.b, max(s.a), max(s.b)) FROM "
                                "(SELECT named_struct('a', 'x', 'b', 'y') AS s) GROUP BY s.a, s.b)";
    struct str out = {0};
    struct diag diag = DIAG_INIT;
    if (evaluate(query, false, &out, &diag))
        fail_msg("%s", diag_text(&diag));
    assert_string_equal(str_text(&out), "xyxy\n");
    str_release(&out);
}

static void a_map_written_in_a_subquery_stays_one_value(void **state)
{
    (void)state;
    // 20,000 rows of ten words against 1,000 entries: a copy per word would be 200 million entries.
    struct str query = {0}, out = {0};
    struct diag diag = DIAG_INIT;
    str_append_text(&query,
                    "(SELECT sum(aggregate(transform(words, w -> element_at(scores, w)), 0, "
                    "(s, x) -> s + x)) FROM (SELECT split('a b c d e f g h i j', ' ') AS "
                    "words, map('a', 1, 'b', 2, 'c', 3, 'd', 4, 'e', 5, 'f', 6, 'g', 7, "
                    "'h', 8, 'i', 9, 'j', 10");
    for (int i = 0; i < 1000; i++)
        str_printf(&query, ", 'word%d', %d", i, i);
    str_append_text(&query, ") AS scores FROM range(20000)))");
    if (evaluate(str_text(&query), false, &out, &diag))
        fail_msg("%s", diag_text(&diag));
    assert_string_equal(str_text(&out), "1100000\n");
    str_release(&query);
    str_release(&out);
}

static void a_word_score_in_plain_sql(void **state)
{
    (void)state;
    static const char expression[] =
        "aggregate(transform(split(lower(regexp_replace('Good, BAD and good!', '[^A-Za-z ]', '')), "
        "' '), w -> coalesce(map('good', 3, 'bad', -3, 'a', 1, 'b', 1, 'c', 1, 'd', 1, 'e', 1, "
        "'f', "
        "1, 'g', 1)[w], 0)), 0, (s, x) -> s + x)";
    struct str out = {0};
    struct diag diag = DIAG_INIT;
    if (evaluate(expression, false, &out, &diag))
        fail_msg("%s", diag_text(&diag));
    assert_string_equal(str_text(&out), "3\n");
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_point_at_the_place_with_a_caret),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(a_projection_of_json_runs_batch_by_batch),
        cmocka_unit_test(groups_survive_by_their_saved_state),
        cmocka_unit_test(damaged_state_is_refused),
        cmocka_unit_test(kinds_of_queries_are_told_apart),
        cmocka_unit_test(ansi_mode_fails_where_the_default_gives_null_or_wraps),
        cmocka_unit_test(grouping_by_two_fields_of_one_struct_keeps_them_apart),
        cmocka_unit_test(a_map_written_in_a_subquery_stays_one_value),
        cmocka_unit_test(a_word_score_in_plain_sql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
