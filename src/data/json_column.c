// SPDX-License-Identifier: Apache-2.0
//
// One pass over each document, writing into the columns as the tokens come. Keys are guessed: for
// each place of an object the key that stood there last time is compared first, 16 bytes at a time,
// also for fields nobody wants; only when that fails is the key read and looked up. A record that
// turns out to be broken is taken back (rewind).
#include "data/json_node.h"

#include "base/hash.h"

static enum json_status parse_value(struct json_reader *reader, struct json_lex *lex,
                                    struct json_node *node, size_t row);

static bool is_list(const struct json_node *node)
{
    return node->type->kind == TYPE_ARRAY || node->type->kind == TYPE_MAP;
}

// --- memory
// --------------------------------------------------------------------------------------------

static void grow(struct json_reader *reader, struct json_node *node, size_t capacity)
{
    struct column *column = node->column;
    size_t width = type_width(node->type), old = node->capacity;
    uint8_t *valid = arena_zalloc(reader->arena, capacity + 1);
    if (old)
        memcpy(valid, column->valid, old);
    column->valid = valid;
    if (width) {
        uint8_t *data = arena_zalloc(reader->arena, width * (capacity + 1));
        if (old)
            memcpy(data, column->data, width * (old + is_list(node)));
        column->data = data;
    }
    node->capacity = capacity;
    for (size_t i = 0; node->type->kind == TYPE_STRUCT && i < node->type->field_count; i++)
        grow(reader, &node->fields[i], capacity);
}

static void start(struct json_reader *reader, struct json_node *node, struct column *column,
                  size_t capacity)
{
    *column = (struct column){.type = node->type};
    column->children = ARENA_ARRAY(reader->arena, struct column, node->type->field_count + 1);
    node->column = column;
    node->capacity = node->rows = node->filled = 0;
    for (size_t i = 0; i < node->type->field_count; i++)
        start(reader, &node->fields[i], &column->children[i], 0);
    grow(reader, node, capacity);
}

// Makes rows [from, to) null again.
static void rewind_rows(struct json_node *node, size_t from, size_t to)
{
    struct column *column = node->column;
    size_t width = type_width(node->type);
    to = to < node->capacity ? to : node->capacity;
    if (from >= to)
        return;
    memset(column->valid + from, 0, to - from);
    if (is_list(node)) {
        if (node->filled < from)
            return;
        size_t first = (size_t)column->offsets[from];
        node->filled = from;
        for (size_t i = 0; i < node->type->field_count; i++) {
            rewind_rows(&node->fields[i], first, node->fields[i].rows + 1);
            node->fields[i].rows = first;
        }
        return;
    }
    if (width)
        memset((uint8_t *)column->data + from * width, 0, (to - from) * width);
    for (size_t i = 0; i < node->type->field_count; i++)
        rewind_rows(&node->fields[i], from, to);
}

static void finish(struct json_node *node, size_t count)
{
    struct column *column = node->column;
    column->count = count;
    if (column->valid && count && !memchr(column->valid, 0, count))
        column->valid = NULL;
    if (!is_list(node)) {
        for (size_t i = 0; i < node->type->field_count; i++)
            finish(&node->fields[i], count);
        return;
    }
    for (; node->filled < count; node->filled++)
        column->offsets[node->filled + 1] = (int32_t)node->fields[0].rows;
    for (size_t i = 0; i < node->type->field_count; i++)
        finish(&node->fields[i], node->fields[i].rows);
}

// --- objects
// -------------------------------------------------------------------------------------------

static int32_t find_field(const struct json_node *node, struct bytes key)
{
    size_t at = (size_t)hash_bytes(key.ptr, key.size) & (node->table_size - 1);
    for (; node->table[at]; at = (at + 1) & (node->table_size - 1))
        if (bytes_is(key, node->type->fields[node->table[at] - 1].name))
            return node->table[at] - 1;
    return -1;
}

static bool guess_matches(const struct json_guess *guess, const struct json_lex *lex)
{
    size_t left = (size_t)(lex->end - lex->at);
    if (guess->size == 0 || left < guess->size)
        return false;
#ifdef __SSE2__
    if (left >= JSON_GUESS_BYTES) {
        const __m128i *a = (const __m128i *)(const void *)guess->text;
        const __m128i *b = (const __m128i *)(const void *)lex->at;
        unsigned low =
            (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(a), _mm_loadu_si128(b)));
        unsigned high = (unsigned)_mm_movemask_epi8(
            _mm_cmpeq_epi8(_mm_loadu_si128(a + 1), _mm_loadu_si128(b + 1)));
        uint64_t want = (1ULL << guess->size) - 1;
        return ((low | (uint64_t)high << 16) & want) == want;
    }
#endif
    return memcmp(guess->text, lex->at, guess->size) == 0;
}

static int32_t learn(struct json_reader *reader, struct json_node *node, size_t place,
                     const struct json_value *key)
{
    struct bytes name = json_lex_unescape(reader->arena, key);
    int32_t field = find_field(node, name);
    if (place >= JSON_GUESSES_MAX || place > node->guess_count)
        return field;
    struct json_guess *guess = &node->guesses[place];
    guess->size = 0;
    guess->field = field;
    if (place == node->guess_count)
        node->guess_count++;
    if (!key->escaped && key->text.ptr[-1] == '"' && key->text.size + 2 <= JSON_GUESS_BYTES) {
        guess->size = (uint32_t)key->text.size + 2;
        memcpy(guess->text, key->text.ptr - 1, guess->size);
    }
    return field;
}

// The next key's field (-1: not wanted) into *field. 1, 0 at the end of the object, -1 broken.
static int next_field(struct json_reader *reader, struct json_lex *lex, struct json_node *node,
                      size_t place, int32_t *field)
{
    if (place < node->guess_count) {
        const struct json_guess *guess = &node->guesses[place];
        const uint8_t *before = lex->at;
        int byte = json_lex_peek(lex);
        if (place > 0 && byte == ',') {
            lex->at++;
            byte = json_lex_peek(lex);
        } else if (place > 0) {
            byte = 0;
        }
        if (byte == '"' && guess_matches(guess, lex)) {
            lex->at += guess->size;
            if (json_lex_peek(lex) != ':')
                return -1;
            lex->at++;
            *field = guess->field;
            return 1;
        }
        lex->at = before;
    }
    struct json_value key;
    const uint8_t *start = lex->at;
    int more = json_lex_key(lex, place == 0, &key);
    if (more != 1)
        return more;
    if (key.text.ptr == start) { // without quotes: nothing stands before it to learn from
        *field = find_field(node, key.text);
        return 1;
    }
    *field = learn(reader, node, place, &key);
    return 1;
}

static enum json_status parse_object(struct json_reader *reader, struct json_lex *lex,
                                     struct json_node *node, size_t row)
{
    enum json_status status = JSON_FINE;
    int32_t field = -1;
    int more;
    for (size_t place = 0; (more = next_field(reader, lex, node, place, &field)) == 1; place++) {
        if (field >= 0) {
            enum json_status inner = parse_value(reader, lex, &node->fields[field], row);
            if (inner == JSON_DAMAGED)
                return inner;
            if (inner != JSON_FINE)
                status = JSON_PARTIAL;
            continue;
        }
        struct json_value value;
        if (!json_lex_value(lex, &value) || !json_lex_skip(lex, &value))
            return JSON_DAMAGED;
    }
    return more < 0 ? JSON_DAMAGED : status;
}

// --- lists
// ---------------------------------------------------------------------------------------------

static void open_list(struct json_node *node, size_t row)
{
    if (node->filled > row) // the key stands twice in the object: the last one counts
        rewind_rows(node, row, row + 1);
    for (; node->filled < row; node->filled++)
        node->column->offsets[node->filled + 1] = (int32_t)node->fields[0].rows;
}

static enum json_status close_list(struct json_node *node, size_t row, enum json_status status)
{
    if (status == JSON_WRONG || status == JSON_DAMAGED) {
        rewind_rows(node, row, row + 1);
        return status;
    }
    node->column->offsets[row + 1] = (int32_t)node->fields[0].rows;
    node->filled = row + 1;
    node->column->valid[row] = 1;
    return status;
}

static void reserve_item(struct json_reader *reader, struct json_node *node)
{
    if (node->rows == node->capacity)
        grow(reader, node, node->capacity ? node->capacity * 2 : 16);
}

static enum json_status worse(enum json_status a, enum json_status b)
{
    return a > b ? a : b;
}

static enum json_status parse_array(struct json_reader *reader, struct json_lex *lex,
                                    struct json_node *node, size_t row)
{
    struct json_node *items = &node->fields[0];
    enum json_status status = JSON_FINE;
    int more;
    open_list(node, row);
    for (bool first = true; (more = json_lex_item(lex, first)) == 1; first = false) {
        reserve_item(reader, items);
        enum json_status inner = parse_value(reader, lex, items, items->rows);
        items->rows++;
        status = worse(status, inner);
        if (inner == JSON_DAMAGED)
            break;
    }
    return close_list(node, row, more < 0 ? JSON_DAMAGED : status);
}

static enum json_status parse_map(struct json_reader *reader, struct json_lex *lex,
                                  struct json_node *node, size_t row)
{
    struct json_node *keys = &node->fields[0], *values = &node->fields[1];
    enum json_status status = JSON_FINE;
    struct json_value key;
    int more;
    open_list(node, row);
    for (bool first = true; (more = json_lex_key(lex, first, &key)) == 1; first = false) {
        reserve_item(reader, keys);
        reserve_item(reader, values);
        keys->column->strings[keys->rows] = json_lex_unescape(reader->arena, &key);
        keys->column->valid[keys->rows++] = 1;
        enum json_status inner = parse_value(reader, lex, values, values->rows);
        values->rows++;
        status = worse(status, inner);
        if (inner == JSON_DAMAGED)
            break;
    }
    return close_list(node, row, more < 0 ? JSON_DAMAGED : status);
}

static enum json_status parse_opened(struct json_reader *reader, struct json_lex *lex,
                                     struct json_node *node, size_t row,
                                     const struct json_value *value)
{
    if (node->type->kind == TYPE_STRUCT && value->token == JSON_OBJECT) {
        if (node->column->valid[row]) // the key stands twice: nothing of the first one stays
            rewind_rows(node, row, row + 1);
        node->column->valid[row] = 1;
        return parse_object(reader, lex, node, row);
    }
    if (node->type->kind == TYPE_ARRAY && value->token == JSON_ARRAY)
        return parse_array(reader, lex, node, row);
    if (node->type->kind == TYPE_MAP && value->token == JSON_OBJECT)
        return parse_map(reader, lex, node, row);
    return json_lex_skip(lex, value) ? JSON_WRONG : JSON_DAMAGED;
}

static enum json_status parse_value(struct json_reader *reader, struct json_lex *lex,
                                    struct json_node *node, size_t row)
{
    struct json_value value;
    if (!json_lex_value(lex, &value))
        return JSON_DAMAGED;
    if (value.token == JSON_NULL) {
        if (node->column->valid[row])
            rewind_rows(node, row, row + 1);
        return JSON_FINE;
    }
    if (node->type->kind >= TYPE_ARRAY)
        return parse_opened(reader, lex, node, row, &value);
    return json_node__scalar(reader, lex, node, row, &value);
}

// --- documents
// -----------------------------------------------------------------------------------------

// `{..}` for an array of structs is an array of one.
static enum json_status parse_single(struct json_reader *reader, struct json_lex *lex,
                                     struct json_node *node, size_t row)
{
    struct json_node *items = &node->fields[0];
    open_list(node, row);
    reserve_item(reader, items);
    items->column->valid[items->rows] = 1;
    items->rows++;
    return close_list(node, row, parse_object(reader, lex, items, items->rows - 1));
}

static enum json_status parse_root(struct json_reader *reader, struct json_lex *lex, size_t row)
{
    struct json_node *root = &reader->root;
    struct json_value value;
    if (!json_lex_value(lex, &value))
        return JSON_DAMAGED;
    bool single = root->type->kind == TYPE_ARRAY && value.token == JSON_OBJECT &&
                  root->type->fields[0].type->kind == TYPE_STRUCT;
    if (single)
        return parse_single(reader, lex, root, row);
    if (value.token != JSON_OBJECT && value.token != JSON_ARRAY)
        return JSON_WRONG;
    return parse_opened(reader, lex, root, row, &value);
}

static void parse_document(struct json_reader *reader, struct bytes text, size_t row,
                           enum json_status *status)
{
    struct json_node *root = &reader->root;
    struct json_lex lex = {text.ptr, text.ptr + text.size, &reader->options, 0};
    *status = JSON_FINE;
    if (json_lex_peek(&lex) < 0)
        return; // blank: null
    *status = parse_root(reader, &lex, row);
    if (*status > JSON_PARTIAL)
        rewind_rows(root, row, row + 1);
    if (root->type->kind != TYPE_STRUCT)
        return;
    root->column->valid[row] = 1;
    if (reader->corrupt >= 0 && *status != JSON_FINE) {
        struct column *corrupt = root->fields[reader->corrupt].column;
        corrupt->strings[row] = text;
        corrupt->valid[row] = 1;
    }
}

err_t json_reader_read(struct json_reader *reader, struct column *out, struct arena *arena,
                       const struct column *documents, struct diag *diag)
{
    reader->arena = arena;
    start(reader, &reader->root, out, documents->count + 1);
    err_t err = ERR_OK;
    for (size_t row = 0; row < documents->count && err == ERR_OK; row++) {
        enum json_status status;
        if (column_is_null(documents, row))
            continue;
        parse_document(reader, documents->strings[row], row, &status);
        if (status != JSON_FINE && reader->options.failfast)
            err = FAIL(diag, ERR_INVALID,
                       "[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] malformed records are "
                       "detected in record parsing: %.*s. Parse mode: FAILFAST",
                       documents->strings[row].size > 100 ? 100 : (int)documents->strings[row].size,
                       (const char *)documents->strings[row].ptr);
    }
    finish(&reader->root, documents->count);
    return err;
}

// --- compiling
// -----------------------------------------------------------------------------------------

static err_t refuse(const struct type *type, struct diag *diag)
{
    struct str name = {0};
    type_write(&name, type);
    err_t err = FAIL(diag, ERR_TYPE, "from_json cannot make a value of type %s", str_text(&name));
    str_release(&name);
    return err;
}

static void index_fields(struct json_node *node, struct arena *arena, int32_t skipped)
{
    node->table_size = 8;
    while (node->table_size < node->type->field_count * 2)
        node->table_size *= 2;
    node->table = ARENA_ARRAY(arena, int32_t, node->table_size);
    node->guesses = ARENA_ARRAY(arena, struct json_guess, JSON_GUESSES_MAX);
    for (size_t i = 0; i < node->type->field_count; i++) {
        const char *name = node->type->fields[i].name;
        size_t at = (size_t)hash_bytes(name, strlen(name)) & (node->table_size - 1);
        while (node->table[at])
            at = (at + 1) & (node->table_size - 1);
        if ((int32_t)i != skipped)
            node->table[at] = (int32_t)i + 1;
    }
}

static err_t compile(struct json_node *node, struct arena *arena, const struct type *type,
                     int32_t skipped, struct diag *diag)
{
    node->type = type;
    bool interval = type->kind == TYPE_INTERVAL || type->kind == TYPE_INTERVAL_YM ||
                    type->kind == TYPE_INTERVAL_DT;
    if (interval || (type->kind == TYPE_MAP && type->fields[0].type->kind != TYPE_STRING))
        return refuse(type, diag);
    node->fields = ARENA_ARRAY(arena, struct json_node, type->field_count + 1);
    for (size_t i = 0; i < type->field_count; i++)
        TRY(compile(&node->fields[i], arena, type->fields[i].type, -1, diag));
    if (type->kind == TYPE_STRUCT)
        index_fields(node, arena, skipped);
    return ERR_OK;
}

static void release_scratch(void *ctx)
{
    str_release(ctx);
}

err_t json_reader_new(struct json_reader **out, struct arena *arena, const struct type *type,
                      const struct json_options *options, struct diag *diag)
{
    if (type->kind < TYPE_ARRAY)
        return refuse(type, diag);
    struct json_reader *reader = ARENA_NEW(arena, struct json_reader);
    reader->options = *options;
    reader->zone = options->zone ? options->zone : zone_utc;
    reader->corrupt = -1;
    const char *corrupt = options->corrupt_column ? options->corrupt_column : "_corrupt_record";
    for (size_t i = 0; type->kind == TYPE_STRUCT && i < type->field_count; i++)
        if (type->fields[i].type->kind == TYPE_STRING && strcmp(type->fields[i].name, corrupt) == 0)
            reader->corrupt = (int32_t)i;
    TRY(compile(&reader->root, arena, type, reader->corrupt, diag));
    arena_on_clear(arena, release_scratch, &reader->scratch);
    *out = reader;
    return ERR_OK;
}
