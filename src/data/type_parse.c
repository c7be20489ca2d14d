// SPDX-License-Identifier: Apache-2.0
//
// Spark's DDL of types. Like Spark's DataType.fromDDL: the text is one type, or else a list of
// columns whose names and types may be parted by a colon.
#include "data/type.h"

#include "base/vec.h"

#include <strings.h>

enum {
    LEVELS_MAX = 100,
};

struct parse {
    struct arena *arena;
    struct bytes text;
    size_t at;
    struct diag *diag;
};

struct fields {
    VEC(struct type_field) all;
};

static err_t parse_type(const struct type **out, struct parse *parse, int level);

static void skip_blanks(struct parse *parse)
{
    while (parse->at < parse->text.size && strchr(" \t\r\n", parse->text.ptr[parse->at]))
        parse->at++;
}

static char peek(struct parse *parse)
{
    skip_blanks(parse);
    return parse->at < parse->text.size ? (char)parse->text.ptr[parse->at] : '\0';
}

static bool take(struct parse *parse, char byte)
{
    if (parse->at >= parse->text.size || peek(parse) != byte)
        return false;
    parse->at++;
    return true;
}

static bool is_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c >= 0x80;
}

static struct bytes peek_word(struct parse *parse)
{
    skip_blanks(parse);
    size_t end = parse->at;
    while (end < parse->text.size && is_word(parse->text.ptr[end]))
        end++;
    return bytes_make(parse->text.ptr + parse->at, end - parse->at);
}

static bool word_is(struct bytes word, const char *text)
{
    return word.size == strlen(text) && strncasecmp((const char *)word.ptr, text, word.size) == 0;
}

static bool take_word(struct parse *parse, const char *text)
{
    struct bytes word = peek_word(parse);
    if (!word_is(word, text))
        return false;
    parse->at += word.size;
    return true;
}

static err_t expected(struct parse *parse, const char *what)
{
    skip_blanks(parse);
    struct bytes rest = bytes_make(parse->text.ptr + parse->at, parse->text.size - parse->at);
    if (rest.size > 20)
        rest.size = 20;
    if (rest.size == 0)
        return FAIL(parse->diag, ERR_SYNTAX, "the type ends where %s is expected", what);
    return FAIL(parse->diag, ERR_SYNTAX, "in the type, at character %zu: expected %s, not '%.*s'",
                parse->at + 1, what, BYTES_PRINT(rest));
}

static err_t take_number(struct parse *parse, int *out)
{
    struct bytes word = peek_word(parse);
    int value = 0;
    for (size_t i = 0; i < word.size && i < 6; i++) {
        if (word.ptr[i] < '0' || word.ptr[i] > '9')
            return expected(parse, "a number");
        value = value * 10 + (word.ptr[i] - '0');
    }
    if (word.size == 0 || word.size > 6)
        return expected(parse, "a number");
    parse->at += word.size;
    *out = value;
    return ERR_OK;
}

static err_t parse_decimal(const struct type **out, struct parse *parse)
{
    int precision = 10, scale = 0;
    if (take(parse, '(')) {
        TRY(take_number(parse, &precision));
        if (take(parse, ','))
            TRY(take_number(parse, &scale));
        if (!take(parse, ')'))
            return expected(parse, "')'");
    }
    if (precision < 1 || precision > 38)
        return FAIL(parse->diag, ERR_SYNTAX, "decimal(%d,%d): the precision must be 1 to 38",
                    precision, scale);
    if (scale > precision)
        return FAIL(parse->diag, ERR_SYNTAX,
                    "decimal(%d,%d): the scale cannot be larger than the precision", precision,
                    scale);
    *out = type_decimal(parse->arena, precision, scale);
    return ERR_OK;
}

static int take_unit(struct parse *parse)
{
    static const char *const units[] = {"year", "month", "day", "hour", "minute", "second"};
    for (int i = 0; i < 6; i++)
        if (take_word(parse, units[i]))
            return i;
    return -1;
}

static err_t parse_interval(const struct type **out, struct parse *parse)
{
    int from = take_unit(parse);
    if (from < 0) {
        *out = &type_interval;
        return ERR_OK;
    }
    int to = from;
    if (take_word(parse, "to")) {
        to = take_unit(parse);
        if (to <= from || (from < 2) != (to < 2))
            return expected(parse, "a smaller unit of the same kind");
    }
    struct type *type = ARENA_NEW(parse->arena, struct type);
    type->kind = from < 2 ? TYPE_INTERVAL_YM : TYPE_INTERVAL_DT;
    int base = from < 2 ? 0 : 2;
    type->from_unit = (uint8_t)(from - base);
    type->to_unit = (uint8_t)(to - base);
    *out = type;
    return ERR_OK;
}

static err_t parse_array(const struct type **out, struct parse *parse, int level)
{
    const struct type *element;
    if (!take(parse, '<'))
        return expected(parse, "'<' and the element type");
    TRY(parse_type(&element, parse, level));
    if (!take(parse, '>'))
        return expected(parse, "'>'");
    *out = type_array(parse->arena, element, true);
    return ERR_OK;
}

static err_t parse_map(const struct type **out, struct parse *parse, int level)
{
    const struct type *key, *value;
    if (!take(parse, '<'))
        return expected(parse, "'<' and the key type");
    TRY(parse_type(&key, parse, level));
    if (!take(parse, ','))
        return expected(parse, "',' and the value type");
    TRY(parse_type(&value, parse, level));
    if (!take(parse, '>'))
        return expected(parse, "'>'");
    *out = type_map(parse->arena, key, value, true);
    return ERR_OK;
}

static err_t take_name(struct parse *parse, const char **out)
{
    if (!take(parse, '`')) {
        struct bytes word = peek_word(parse);
        if (word.size == 0)
            return expected(parse, "a field name");
        parse->at += word.size;
        *out = arena_text(parse->arena, word);
        return ERR_OK;
    }
    char *name = arena_alloc(parse->arena, parse->text.size - parse->at + 1);
    size_t size = 0;
    for (; parse->at < parse->text.size; parse->at++) {
        uint8_t byte = parse->text.ptr[parse->at];
        if (byte == '`') {
            bool doubled =
                parse->at + 1 < parse->text.size && parse->text.ptr[parse->at + 1] == '`';
            if (!doubled)
                break;
            parse->at++;
        }
        name[size++] = (char)byte;
    }
    name[size] = '\0';
    if (!take(parse, '`') || size == 0)
        return expected(parse, "a field name and '`'");
    *out = name;
    return ERR_OK;
}

// COMMENT 'words': read and dropped.
static err_t skip_comment(struct parse *parse)
{
    char quote = peek(parse);
    if (quote != '\'' && quote != '"')
        return expected(parse, "the comment in quotes");
    for (parse->at++; parse->at < parse->text.size; parse->at++) {
        if (parse->text.ptr[parse->at] == '\\')
            parse->at++;
        else if (parse->text.ptr[parse->at] == (uint8_t)quote)
            break;
    }
    if (parse->at >= parse->text.size) {
        parse->at = parse->text.size;
        return expected(parse, "the end of the comment");
    }
    parse->at++;
    return ERR_OK;
}

static err_t parse_field(struct type_field *field, struct parse *parse, int level)
{
    TRY(take_name(parse, &field->name));
    take(parse, ':');
    TRY(parse_type(&field->type, parse, level));
    field->nullable = true;
    if (take_word(parse, "not")) {
        if (!take_word(parse, "null"))
            return expected(parse, "NULL behind NOT");
        field->nullable = false;
    }
    return take_word(parse, "comment") ? skip_comment(parse) : ERR_OK;
}

static err_t parse_fields(struct fields *fields, struct parse *parse, int level)
{
    do {
        struct type_field field = {0};
        TRY(parse_field(&field, parse, level));
        vec_push(&fields->all, field);
    } while (take(parse, ','));
    return ERR_OK;
}

static err_t parse_struct(const struct type **out, struct parse *parse, int level)
{
    if (!take(parse, '<'))
        return expected(parse, "'<' and the fields");
    struct fields fields = {0};
    err_t err = peek(parse) == '>' ? ERR_OK : parse_fields(&fields, parse, level);
    if (err == ERR_OK && !take(parse, '>'))
        err = expected(parse, "',' or '>'");
    if (err == ERR_OK)
        *out = type_struct(parse->arena, fields.all.items, fields.all.count);
    vec_release(&fields.all);
    return err;
}

static err_t skip_length(struct parse *parse)
{
    int length;
    if (!take(parse, '('))
        return ERR_OK;
    TRY(take_number(parse, &length));
    return take(parse, ')') ? ERR_OK : expected(parse, "')'");
}

static const struct type *simple_type(struct bytes word)
{
    static const struct {
        const char *word;
        const struct type *type;
    } simple[] = {
        {"string", &type_string},
        {"int", &type_int},
        {"integer", &type_int},
        {"bigint", &type_long},
        {"long", &type_long},
        {"double", &type_double},
        {"boolean", &type_boolean},
        {"timestamp", &type_timestamp},
        {"date", &type_date},
        {"float", &type_float},
        {"real", &type_float},
        {"tinyint", &type_byte},
        {"byte", &type_byte},
        {"smallint", &type_short},
        {"short", &type_short},
        {"binary", &type_binary},
        {"void", &type_null},
        {"timestamp_ntz", &type_timestamp_ntz},
        {"timestamp_ltz", &type_timestamp},
    };
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
        if (word_is(word, simple[i].word))
            return simple[i].type;
    return NULL;
}

static err_t parse_type(const struct type **out, struct parse *parse, int level)
{
    if (level > LEVELS_MAX)
        return FAIL(parse->diag, ERR_SYNTAX, "the type is nested deeper than %d levels",
                    LEVELS_MAX);
    struct bytes word = peek_word(parse);
    *out = simple_type(word);
    if (*out) {
        parse->at += word.size;
        return ERR_OK;
    }
    if (take_word(parse, "decimal") || take_word(parse, "dec") || take_word(parse, "numeric"))
        return parse_decimal(out, parse);
    if (take_word(parse, "array"))
        return parse_array(out, parse, level + 1);
    if (take_word(parse, "map"))
        return parse_map(out, parse, level + 1);
    if (take_word(parse, "struct"))
        return parse_struct(out, parse, level + 1);
    if (take_word(parse, "interval"))
        return parse_interval(out, parse);
    if (take_word(parse, "varchar") || take_word(parse, "char") || take_word(parse, "character")) {
        *out = &type_string;
        return skip_length(parse);
    }
    return expected(parse, "a data type");
}

err_t type_parse(const struct type **out, struct arena *arena, struct bytes text, struct diag *diag)
{
    struct diag ignored = DIAG_INIT;
    struct parse parse = {arena, text, 0, &ignored};
    const struct type *type;
    if (parse_type(&type, &parse, 0) == ERR_OK) {
        skip_blanks(&parse);
        if (parse.at == text.size) {
            *out = type;
            return ERR_OK;
        }
    }
    parse = (struct parse){arena, text, 0, diag};
    struct fields fields = {0};
    err_t err = parse_fields(&fields, &parse, 0);
    if (err == ERR_OK) {
        skip_blanks(&parse);
        if (parse.at < text.size)
            err = expected(&parse, "',' or the end");
    }
    if (err == ERR_OK)
        *out = type_struct(arena, fields.all.items, fields.all.count);
    vec_release(&fields.all);
    return err;
}
