// SPDX-License-Identifier: Apache-2.0
//
// get_json_object and its smaller kin. The evaluation follows Spark's (and so Hive's) cases one by
// one, also where they surprise: one match of [*] loses its brackets, [*][*] flattens.
#include "data/json_text.h"

#include "base/vec.h"
#include "data/json_lex.h"

enum step {
    STEP_NAME,
    STEP_INDEX,
    STEP_EACH,
    STEP_NEVER, // .* never matches
};

struct path_step {
    enum step step;
    struct bytes name;
    int64_t index;
};

struct json_path {
    size_t count;
    struct path_step *steps;
};

static const struct json_options hive_options = {.allow_control_chars = true,
                                                 .no_non_numeric = true};

// --- parsing
// -------------------------------------------------------------------------------------------

static bool take_bracket(const uint8_t **at, const uint8_t *end, struct path_step *step)
{
    const uint8_t *t = *at + 1;
    if (end - t >= 2 && t[0] == '*' && t[1] == ']') {
        step->step = STEP_EACH;
        *at = t + 2;
        return true;
    }
    if (t < end && *t == '\'') {
        const uint8_t *stop = memchr(t + 1, '\'', (size_t)(end - t - 1));
        if (!stop || stop == t + 1 || end - stop < 2 || stop[1] != ']')
            return false;
        step->step = STEP_NAME;
        step->name = bytes_make(t + 1, (size_t)(stop - t - 1));
        if (bytes_is(step->name, "*"))
            step->step = STEP_NEVER;
        *at = stop + 2;
        return !memchr(step->name.ptr, '?', step->name.size);
    }
    step->step = STEP_INDEX;
    const uint8_t *start = t;
    for (; t < end && *t >= '0' && *t <= '9' && t - start < 18; t++)
        step->index = step->index * 10 + (*t - '0');
    *at = t + 1;
    return t > start && t < end && *t == ']';
}

static bool take_name(const uint8_t **at, const uint8_t *end, struct path_step *step)
{
    const uint8_t *t = *at + 1, *start = t;
    while (t < end && *t != '.' && *t != '[')
        t++;
    step->step = STEP_NAME;
    step->name = bytes_make(start, (size_t)(t - start));
    if (bytes_is(step->name, "*"))
        step->step = STEP_NEVER;
    *at = t;
    return t > start;
}

const struct json_path *json_path_parse(struct arena *arena, struct bytes text)
{
    struct {
        VEC(struct path_step) all;
    } steps = {0};
    struct bytes copy = bytes_make(arena_dup(arena, text.ptr, text.size), text.size);
    const uint8_t *at = copy.ptr + 1, *end = copy.ptr + copy.size;
    bool fine = text.size > 0 && copy.ptr[0] == '$';
    while (fine && at < end) {
        struct path_step step = {0};
        fine =
            *at == '[' ? take_bracket(&at, end, &step) : *at == '.' && take_name(&at, end, &step);
        vec_push(&steps.all, step);
    }
    struct json_path *path = NULL;
    if (fine) {
        path = ARENA_NEW(arena, struct json_path);
        path->count = steps.all.count;
        path->steps = arena_dup(arena, steps.all.items, steps.all.count * sizeof *steps.all.items);
    }
    vec_release(&steps.all);
    return path;
}

// --- evaluating
// ----------------------------------------------------------------------------------------

enum style {
    STYLE_RAW,     // a string stands without quotes
    STYLE_QUOTED,  // inside an array
    STYLE_FLATTEN, // arrays are dissolved into the one around them
};

struct sink { // where values go; inside an array they are parted by commas
    struct str text;
    bool in_array;
    bool any;
};

struct walk {
    struct json_lex lex;
    bool broken;
};

static bool evaluate(struct walk *walk, struct sink *sink, const struct json_value *value,
                     enum style style, const struct path_step *steps, size_t count);

static void comma(struct sink *sink)
{
    if (sink->in_array && sink->any)
        str_append_byte(&sink->text, ',');
    sink->any = true;
}

static bool skip(struct walk *walk, const struct json_value *value)
{
    walk->broken |= !json_lex_skip(&walk->lex, value);
    return false;
}

static bool next_item(struct walk *walk, bool *first, struct json_value *value)
{
    int more = walk->broken ? -1 : json_lex_item(&walk->lex, *first);
    *first = false;
    if (more == 1 && !json_lex_value(&walk->lex, value))
        more = -1;
    walk->broken |= more < 0;
    return more == 1;
}

static bool evaluate_items(struct walk *walk, struct sink *sink, enum style style,
                           const struct path_step *steps, size_t count, int *matches)
{
    struct json_value item;
    *matches = 0;
    for (bool first = true; next_item(walk, &first, &item);)
        *matches += evaluate(walk, sink, &item, style, steps, count);
    return *matches > 0;
}

static bool copy(struct walk *walk, struct sink *sink, const struct json_value *value,
                 enum style style)
{
    int matches;
    if (style == STYLE_FLATTEN && value->token == JSON_ARRAY)
        return evaluate_items(walk, sink, style, NULL, 0, &matches);
    comma(sink);
    if (style == STYLE_RAW && value->token == JSON_STRING) {
        struct arena arena = ARENA_INIT;
        str_append_bytes(&sink->text, json_lex_unescape(&arena, value));
        arena_release(&arena);
        return true;
    }
    walk->broken |= !json_lex_rewrite(&walk->lex, value, &sink->text);
    return !walk->broken;
}

static bool evaluate_object(struct walk *walk, struct sink *sink, enum style style,
                            const struct path_step *steps, size_t count)
{
    struct json_value key, value;
    bool found = false;
    int more;
    for (bool first = true; (more = json_lex_key(&walk->lex, first, &key)) == 1; first = false) {
        struct arena arena = ARENA_INIT;
        bool wanted = !found && bytes_equal(json_lex_unescape(&arena, &key), steps[0].name);
        arena_release(&arena);
        walk->broken |= !json_lex_value(&walk->lex, &value);
        if (!walk->broken && wanted && value.token != JSON_NULL)
            found = evaluate(walk, sink, &value, style, steps + 1, count - 1);
        else if (!walk->broken)
            skip(walk, &value);
        if (walk->broken)
            return false;
    }
    walk->broken |= more < 0;
    return found;
}

static bool evaluate_index(struct walk *walk, struct sink *sink, enum style style,
                           const struct path_step *steps, size_t count)
{
    struct json_value item;
    bool found = false;
    int64_t index = 0;
    if (count > 1 && steps[1].step == STEP_EACH)
        style = STYLE_QUOTED;
    for (bool first = true; next_item(walk, &first, &item); index++) {
        if (index == steps[0].index)
            found = evaluate(walk, sink, &item, style, steps + 1, count - 1);
        else
            skip(walk, &item);
    }
    return found;
}

static bool evaluate_each(struct walk *walk, struct sink *sink, enum style style,
                          const struct path_step *steps, size_t count)
{
    bool twice = count > 1 && steps[1].step == STEP_EACH;
    struct sink inner = {.in_array = true};
    int matches;
    enum style next = twice || style == STYLE_FLATTEN ? STYLE_FLATTEN : STYLE_QUOTED;
    size_t used = twice ? 2 : 1;
    evaluate_items(walk, &inner, next, steps + used, count - used, &matches);
    bool brackets = twice || style == STYLE_QUOTED || matches > 1;
    if (brackets || matches == 1) {
        comma(sink);
        if (brackets)
            str_append_byte(&sink->text, '[');
        str_append_bytes(&sink->text, str_bytes(&inner.text));
        if (brackets)
            str_append_byte(&sink->text, ']');
    }
    str_release(&inner.text);
    return matches > 0;
}

static bool evaluate(struct walk *walk, struct sink *sink, const struct json_value *value,
                     enum style style, const struct path_step *steps, size_t count)
{
    if (count == 0)
        return copy(walk, sink, value, style);
    if (value->token == JSON_OBJECT && steps[0].step == STEP_NAME)
        return evaluate_object(walk, sink, style, steps, count);
    if (value->token == JSON_ARRAY && steps[0].step == STEP_INDEX)
        return evaluate_index(walk, sink, style, steps, count);
    if (value->token == JSON_ARRAY && steps[0].step == STEP_EACH)
        return evaluate_each(walk, sink, style, steps, count);
    return skip(walk, value);
}

static struct walk walk_make(struct bytes document)
{
    return (struct walk){.lex = {document.ptr, document.ptr + document.size, &hive_options, 0}};
}

bool json_path_get(const struct json_path *path, struct arena *arena, struct bytes document,
                   struct bytes *out)
{
    struct walk walk = walk_make(document);
    struct sink sink = {0};
    struct json_value root;
    bool found = json_lex_value(&walk.lex, &root) &&
                 evaluate(&walk, &sink, &root, STYLE_RAW, path->steps, path->count) && !walk.broken;
    if (found)
        *out = arena_bytes(arena, bytes_make(str_text(&sink.text), sink.text.size));
    str_release(&sink.text);
    return found;
}

// --- the smaller ones
// ----------------------------------------------------------------------------------

static void take_tuple(struct walk *walk, struct arena *arena, const struct json_value *value,
                       struct bytes *out)
{
    struct sink sink = {0};
    *out = BYTES_NULL;
    if (value->token != JSON_NULL && copy(walk, &sink, value, STYLE_RAW))
        *out = arena_bytes(arena, bytes_make(str_text(&sink.text), sink.text.size));
    str_release(&sink.text);
}

void json_tuple(struct arena *arena, struct bytes document, const struct bytes *names, size_t count,
                struct bytes *out)
{
    struct walk walk = walk_make(document);
    struct json_value key, value;
    for (size_t i = 0; i < count; i++)
        out[i] = BYTES_NULL;
    if (!json_lex_value(&walk.lex, &value) || value.token != JSON_OBJECT)
        return;
    int more;
    for (bool first = true; (more = json_lex_key(&walk.lex, first, &key)) == 1; first = false) {
        struct bytes name = json_lex_unescape(arena, &key);
        size_t wanted = 0;
        while (wanted < count && !bytes_equal(names[wanted], name))
            wanted++;
        if (!json_lex_value(&walk.lex, &value))
            break;
        if (wanted == count)
            skip(&walk, &value);
        else
            take_tuple(&walk, arena, &value, &out[wanted]);
        if (walk.broken)
            break;
        for (size_t i = wanted + 1; i < count; i++)
            if (bytes_equal(names[i], name))
                out[i] = out[wanted];
    }
    for (size_t i = 0; more != 0 && i < count; i++)
        out[i] = BYTES_NULL;
}

bool json_array_length(struct bytes document, int32_t *out)
{
    struct walk walk = walk_make(document);
    struct json_value value;
    int32_t length = 0;
    if (!json_lex_value(&walk.lex, &value) || value.token != JSON_ARRAY)
        return false;
    for (bool first = true; next_item(&walk, &first, &value); length++)
        skip(&walk, &value);
    *out = length;
    return !walk.broken;
}

bool json_object_keys(struct arena *arena, struct bytes document, struct bytes **keys,
                      size_t *count)
{
    struct walk walk = walk_make(document);
    struct json_value key, value;
    struct {
        VEC(struct bytes) all;
    } found = {0};
    int more = -1;
    if (json_lex_value(&walk.lex, &value) && value.token == JSON_OBJECT) {
        for (bool first = true; (more = json_lex_key(&walk.lex, first, &key)) == 1; first = false) {
            vec_push(&found.all, json_lex_unescape(arena, &key));
            if (!json_lex_value(&walk.lex, &value) || !json_lex_skip(&walk.lex, &value))
                break;
        }
    }
    *count = found.all.count;
    *keys = arena_dup(arena, found.all.items, found.all.count * sizeof *found.all.items);
    vec_release(&found.all);
    return more == 0;
}
