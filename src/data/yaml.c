// SPDX-License-Identifier: Apache-2.0
//
// The tree is built from libyaml's events by recursion (at most 64 levels). An alias points at the
// anchored subtree itself, but is charged the subtree's whole size, so a text of nested aliases
// cannot grow past the bound of nodes; an anchor counts only once its subtree is complete, so there
// are no cycles. `<<: *base` merges as in YAML 1.1, because DAG files of Airflow's factory use it.
#include "data/yaml.h"

#include "base/map.h"
#include "base/vec.h"

#include <errno.h>
#include <yaml.h>

enum {
    TEXT_MAX_BYTES = 1 << 20,
    LEVELS_MAX = 64,
    NODES_MAX = 100000,
};

MAP_DEFINE(key_lines, struct bytes, int, bytes_hash, bytes_equal);

struct anchor {
    const char *name;
    struct yaml *node;
    size_t nodes;
};

struct parse {
    struct arena *arena;
    const struct yaml_source *source;
    yaml_parser_t parser;
    VEC(struct anchor) anchors;
    size_t nodes;
    struct bytes text;
};

struct node_list {
    VEC(struct yaml *) all;
};

static struct yaml *parse_node(struct parse *parse, yaml_event_t *event, int level);

static void problem_here(struct parse *parse, yaml_mark_t mark, const char *text)
{
    problem_add(parse->source->problems, parse->source->file, (int)mark.line + 1,
                (int)mark.column + 1, "%s", text);
}

// libyaml's own complaint. A byte that is not UTF-8 comes with an offset instead of a place.
static void problem_of_parser(struct parse *parse)
{
    struct bytes text = parse->text;
    const yaml_parser_t *parser = &parse->parser;
    if (parser->error == YAML_READER_ERROR) {
        int line = 1, column = 1;
        for (size_t i = 0; i < parser->problem_offset && i < text.size; i++) {
            column = text.ptr[i] == '\n' ? 1 : column + 1;
            line += text.ptr[i] == '\n';
        }
        problem_add(parse->source->problems, parse->source->file, line, column,
                    "not YAML: %s (byte 0x%02x)", parser->problem, (unsigned)parser->problem_value);
        return;
    }
    size_t at = parser->problem_mark.index;
    const char *tab =
        at < text.size && text.ptr[at] == '\t' ? "; a tab cannot indent, use blanks" : "";
    char begun[48] = "";
    if (parser->context && parser->context_mark.line < parser->problem_mark.line)
        snprintf(begun, sizeof begun, " begun in line %zu", parser->context_mark.line + 1);
    problem_add(parse->source->problems, parse->source->file, (int)parser->problem_mark.line + 1,
                (int)parser->problem_mark.column + 1, "not YAML: %s%s%s%s%s",
                parser->problem ? parser->problem : "out of memory", parser->context ? " " : "",
                parser->context ? parser->context : "", begun, tab);
}

static bool next_event(struct parse *parse, yaml_event_t *event)
{
    if (yaml_parser_parse(&parse->parser, event))
        return true;
    problem_of_parser(parse);
    return false;
}

static struct yaml *node_new(struct parse *parse, enum yaml_kind kind, yaml_mark_t mark)
{
    if (++parse->nodes > NODES_MAX) {
        problem_here(parse, mark, "too large: more than 100000 values");
        return NULL;
    }
    struct yaml *node = ARENA_NEW(parse->arena, struct yaml);
    node->kind = kind;
    node->line = (int)mark.line + 1;
    node->column = (int)mark.column + 1;
    return node;
}

static struct yaml *parse_scalar(struct parse *parse, const yaml_event_t *event)
{
    struct yaml *node = node_new(parse, YAML_SCALAR, event->start_mark);
    if (!node)
        return NULL;
    const char *tag = (const char *)event->data.scalar.tag;
    struct bytes text = bytes_make(event->data.scalar.value, event->data.scalar.length);
    if (text.size && memchr(text.ptr, 0, text.size)) {
        problem_here(parse, event->start_mark, "a text cannot hold the character \\0");
        return NULL;
    }
    node->text = arena_text(parse->arena, text);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE ||
                   (tag && strcmp(tag, "tag:yaml.org,2002:str") == 0);
    return node;
}

static struct yaml *parse_alias(struct parse *parse, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t i = parse->anchors.count; i-- > 0;) {
        const struct anchor *anchor = &parse->anchors.items[i];
        if (strcmp(anchor->name, name) != 0)
            continue;
        parse->nodes += anchor->nodes;
        if (parse->nodes > NODES_MAX) {
            problem_here(parse, event->start_mark,
                         "too large: the aliases expand to more than 100000 values");
            return NULL;
        }
        return anchor->node;
    }
    problem_add(parse->source->problems, parse->source->file, (int)event->start_mark.line + 1,
                (int)event->start_mark.column + 1, "no anchor '&%.60s' stands before this alias",
                name);
    return NULL;
}

static void take_items(struct parse *parse, struct yaml *node, struct node_list *keys,
                       struct node_list *items)
{
    node->count = items->all.count;
    node->items =
        arena_dup(parse->arena, items->all.items, items->all.count * sizeof *items->all.items);
    if (node->kind == YAML_MAP)
        node->keys =
            arena_dup(parse->arena, keys->all.items, keys->all.count * sizeof *keys->all.items);
}

static bool parse_items(struct parse *parse, struct node_list *items, int level)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(parse, &event))
            return false;
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        struct yaml *item = end ? NULL : parse_node(parse, &event, level);
        yaml_event_delete(&event);
        if (end)
            return true;
        if (!item)
            return false;
        vec_push(&items->all, item);
    }
}

static struct yaml *parse_list(struct parse *parse, const yaml_event_t *start, int level)
{
    struct yaml *node = node_new(parse, YAML_LIST, start->start_mark);
    struct node_list items = {0};
    bool fine = node && parse_items(parse, &items, level);
    if (fine)
        take_items(parse, node, NULL, &items);
    vec_release(&items.all);
    return fine ? node : NULL;
}

// Adds the pairs of `from` whose keys are not there yet.
static void merge_map(struct key_lines *lines, struct node_list *keys, struct node_list *items,
                      const struct yaml *from)
{
    for (size_t i = 0; i < from->count; i++) {
        bool added;
        int *line = key_lines_put(lines, bytes_from(from->keys[i]->text), &added);
        if (!added)
            continue;
        *line = -1; // a later key of the map itself may still replace it
        vec_push(&keys->all, from->keys[i]);
        vec_push(&items->all, from->items[i]);
    }
}

static bool merge(struct parse *parse, struct key_lines *lines, struct node_list *keys,
                  struct node_list *items, const struct yaml *from)
{
    if (from->kind == YAML_MAP) {
        merge_map(lines, keys, items, from);
        return true;
    }
    bool fine = from->kind == YAML_LIST;
    for (size_t i = 0; fine && i < from->count; i++) {
        fine = from->items[i]->kind == YAML_MAP;
        if (fine)
            merge_map(lines, keys, items, from->items[i]);
    }
    if (!fine)
        yaml_problem(parse->source, from, "'<<' takes a map or a list of maps");
    return fine;
}

static void put_pair(struct parse *parse, struct key_lines *lines, struct node_list *keys,
                     struct node_list *items, struct yaml *key, struct yaml *item)
{
    bool added;
    int *line = key_lines_put(lines, bytes_from(key->text), &added);
    if (!added && *line > 0) {
        yaml_problem(parse->source, key, "'%.60s' stands here twice, first in line %d", key->text,
                     *line);
        return;
    }
    *line = key->line;
    if (added) {
        vec_push(&keys->all, key);
        vec_push(&items->all, item);
        return;
    }
    for (size_t i = 0; i < keys->all.count; i++) // replaces a merged pair
        if (strcmp(keys->all.items[i]->text, key->text) == 0) {
            keys->all.items[i] = key;
            items->all.items[i] = item;
        }
}

static bool parse_pairs(struct parse *parse, struct key_lines *lines, struct node_list *keys,
                        struct node_list *items, int level)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(parse, &event))
            return false;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return true;
        }
        struct yaml *key = parse_node(parse, &event, level);
        yaml_event_delete(&event);
        if (!key)
            return false;
        if (key->kind != YAML_SCALAR) {
            yaml_problem(parse->source, key, "a key must be a text, not a %s",
                         key->kind == YAML_LIST ? "list" : "map");
            return false;
        }
        if (!next_event(parse, &event))
            return false;
        struct yaml *item = parse_node(parse, &event, level);
        yaml_event_delete(&event);
        if (!item)
            return false;
        if (!key->quoted && strcmp(key->text, "<<") == 0) {
            if (!merge(parse, lines, keys, items, item))
                return false;
        } else {
            put_pair(parse, lines, keys, items, key, item);
        }
    }
}

static struct yaml *parse_map(struct parse *parse, const yaml_event_t *start, int level)
{
    struct yaml *node = node_new(parse, YAML_MAP, start->start_mark);
    struct node_list keys = {0}, items = {0};
    struct key_lines lines = {0};
    bool fine = node && parse_pairs(parse, &lines, &keys, &items, level);
    if (fine)
        take_items(parse, node, &keys, &items);
    vec_release(&keys.all);
    vec_release(&items.all);
    key_lines_release(&lines);
    return fine ? node : NULL;
}

static const char *event_anchor(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return (const char *)event->data.scalar.anchor;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return (const char *)event->data.sequence_start.anchor;
    if (event->type == YAML_MAPPING_START_EVENT)
        return (const char *)event->data.mapping_start.anchor;
    return NULL;
}

static struct yaml *parse_node(struct parse *parse, yaml_event_t *event, int level)
{
    if (level > LEVELS_MAX) {
        problem_here(parse, event->start_mark, "nested deeper than 64 levels");
        return NULL;
    }
    size_t before = parse->nodes;
    struct yaml *node = NULL;
    if (event->type == YAML_ALIAS_EVENT)
        return parse_alias(parse, event);
    if (event->type == YAML_SCALAR_EVENT)
        node = parse_scalar(parse, event);
    else if (event->type == YAML_SEQUENCE_START_EVENT)
        node = parse_list(parse, event, level + 1);
    else if (event->type == YAML_MAPPING_START_EVENT)
        node = parse_map(parse, event, level + 1);
    const char *anchor = event_anchor(event);
    if (node && anchor) {
        struct anchor entry = {arena_strdup(parse->arena, anchor), node, parse->nodes - before};
        vec_push(&parse->anchors, entry);
    }
    return node;
}

static struct yaml *parse_document(struct parse *parse)
{
    struct yaml *root = NULL;
    for (bool first = true;;) {
        yaml_event_t event;
        if (!next_event(parse, &event))
            return NULL;
        bool end = event.type == YAML_STREAM_END_EVENT, fine = true;
        if (event.type == YAML_DOCUMENT_START_EVENT && !first) {
            problem_here(parse, event.start_mark, "a second document begins here, one is expected");
            fine = false;
        } else if (event.type == YAML_DOCUMENT_START_EVENT) {
            first = false;
        } else if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_END_EVENT &&
                   !end) {
            root = parse_node(parse, &event, 1);
            fine = root != NULL;
        }
        yaml_event_delete(&event);
        if (!fine)
            return NULL;
        if (end)
            return root;
    }
}

struct yaml *yaml_parse(struct arena *arena, const struct yaml_source *source, struct bytes text)
{
    if (text.size > TEXT_MAX_BYTES) {
        problem_add(source->problems, source->file, 1, 1,
                    "too large: %zu bytes, at most 1048576 are read", text.size);
        return NULL;
    }
    struct parse parse = {.arena = arena, .source = source, .text = text};
    if (!yaml_parser_initialize(&parse.parser)) {
        problem_add(source->problems, source->file, 1, 1, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&parse.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parse.parser, text.ptr, text.size);
    size_t problems_before = source->problems->count;
    struct yaml *root = parse_document(&parse);
    vec_release(&parse.anchors);
    yaml_parser_delete(&parse.parser);
    // Duplicate keys do not stop the parse, so that all are told; the document is refused all the
    // same.
    return source->problems->count == problems_before ? root : NULL;
}

static bool read_file(const char *path, struct str *text)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    size_t got = 1;
    while (got > 0 && text->size <= TEXT_MAX_BYTES) {
        str_reserve(text, 65536);
        got = fread(text->ptr + text->size, 1, 65536, file);
        text->size += got;
    }
    bool fine = !ferror(file);
    fclose(file);
    return fine;
}

struct yaml *yaml_load(struct arena *arena, struct problems *problems, const char *path,
                       struct yaml_source *source_out)
{
    *source_out = (struct yaml_source){arena_strdup(arena, path), problems};
    struct str text = {0};
    struct yaml *root = NULL;
    if (read_file(path, &text))
        root = yaml_parse(arena, source_out, str_bytes(&text));
    else
        problem_add(problems, path, 1, 1, "cannot read the file: %s", strerror(errno));
    str_release(&text);
    return root;
}
