// SPDX-License-Identifier: Apache-2.0
//
// A request is parsed into a struct query, every value checked before a byte is made; then the
// records are written straight into the body. The largest answer, 5000 pretty records, is about 7
// MB.
#include "people/api.h"

#include "os/random.h"
#include "people/person_write.h"
#include "people/portrait.h"

#include <ctype.h>
#include <strings.h>

enum { RESULTS_MAX = 5000, PAGE_MAX = 10000, SEED_MAX_BYTES = 256 };
#define API_VERSION "1.4"

struct query {
    uint32_t results;
    uint32_t page;
    const char *seed;
    char random_seed[17];
    enum people_gender gender;
    enum people_format format;
    uint32_t nats;
    uint32_t fields;
    bool noinfo;
    bool download;
};

static void answer_error(struct people_answer *answer, int status, const char *text)
{
    answer->status = status;
    answer->content_type = "application/json; charset=utf-8";
    str_clear(&answer->body);
    str_append_text(&answer->body, "{\"error\":");
    str_append_json(&answer->body, bytes_from(text));
    str_append_text(&answer->body, "}");
}

// --- the query
// ----------------------------------------------------------------------------------------------
static const char *value_of(const struct people_request *request, const char *name)
{
    return request->query(request->ctx, name);
}

// What the client sent, shortened for an error message.
#define SHOWN(value) (int)(strlen(value) < 40 ? strlen(value) : 40), (value)

// Absent or empty keeps `*number`. False: `error` says why.
static bool read_number(const struct people_request *request, const char *name, uint32_t most,
                        uint32_t *number, struct str *error)
{
    const char *value = value_of(request, name);
    if (!value || !*value)
        return true;
    uint64_t read = 0;
    size_t digits = strspn(value, "0123456789");
    for (size_t i = 0; i < digits && read <= most; i++)
        read = read * 10 + (uint64_t)(value[i] - '0');
    if (value[digits] == 0 && read >= 1 && read <= most) {
        *number = (uint32_t)read;
        return true;
    }
    str_printf(error, "%s is '%.*s', expected a whole number from 1 to %u", name, SHOWN(value),
               most);
    return false;
}

static bool read_gender(const struct people_request *request, struct query *query,
                        struct str *error)
{
    const char *value = value_of(request, "gender");
    if (!value || !*value)
        return true;
    if (strcasecmp(value, "female") == 0)
        query->gender = PEOPLE_FEMALE;
    else if (strcasecmp(value, "male") == 0)
        query->gender = PEOPLE_MALE;
    else
        str_printf(error, "gender is '%.*s', expected female or male", SHOWN(value));
    return error->size == 0;
}

static bool read_format(const struct people_request *request, struct query *query,
                        struct str *error)
{
    const char *value = value_of(request, "format");
    if (!value || !*value)
        value = value_of(request, "fmt");
    if (!value || !*value || strcasecmp(value, "json") == 0)
        query->format = PEOPLE_JSON;
    else if (strcasecmp(value, "pretty") == 0 || strcasecmp(value, "prettyjson") == 0)
        query->format = PEOPLE_PRETTY;
    else if (strcasecmp(value, "csv") == 0)
        query->format = PEOPLE_CSV;
    else
        str_printf(error, "format is '%.*s', expected json, pretty or csv", SHOWN(value));
    return error->size == 0;
}

static uint32_t find_nat(struct bytes item)
{
    char code[3] = {0};
    if (item.size != 2)
        return 0;
    memcpy(code, item.ptr, 2);
    return people_nat_find(code);
}

static uint32_t find_field(struct bytes item)
{
    char name[16] = {0};
    for (size_t i = 0; i < item.size && i < sizeof name - 1; i++)
        name[i] = (char)tolower(item.ptr[i]);
    return item.size < sizeof name ? person_field_find(bytes_from(name)) : 0;
}

// A list by commas as the OR of the bits of its items; spaces around an item do not matter.
static bool read_list(const struct people_request *request, const char *name,
                      uint32_t (*find)(struct bytes item), const char *expected, uint32_t *bits,
                      struct str *error)
{
    const char *value = value_of(request, name);
    *bits = 0;
    while (value && *value) {
        size_t size = strcspn(value, ",");
        const char *next = value[size] ? value + size + 1 : value + size;
        while (size && isspace((unsigned char)*value))
            value++, size--;
        while (size && isspace((unsigned char)value[size - 1]))
            size--;
        uint32_t bit = size ? find(bytes_make(value, size)) : 0;
        if (size && !bit) {
            str_printf(error, "%s has '%.*s', expected a list by commas of: %s", name,
                       (int)(size < 40 ? size : 40), value, expected);
            return false;
        }
        *bits |= bit;
        value = next;
    }
    return true;
}

static bool read_seed(const struct people_request *request, struct query *query, struct str *error)
{
    query->seed = value_of(request, "seed");
    if (query->seed && strlen(query->seed) > SEED_MAX_BYTES) {
        str_printf(error, "seed is %zu bytes long, expected %d at most", strlen(query->seed),
                   SEED_MAX_BYTES);
        return false;
    }
    if (query->seed && *query->seed)
        return true;
    uint64_t random = random_u64();
    for (size_t i = 0; i < 16; i++, random >>= 4)
        query->random_seed[i] = "0123456789abcdef"[random & 15];
    query->seed = query->random_seed;
    return true;
}

static bool read_query(const struct people_request *request, struct query *query, struct str *error)
{
    static const char fields[] =
        "gender, name, location, email, login, registered, dob, phone, cell, id, picture, nat";
    uint32_t included, excluded;
    *query = (struct query){.results = 1, .page = 1};
    const char *nat = value_of(request, "nat");
    const char *nat_name = nat && *nat ? "nat" : "nationality";
    if (!read_number(request, "results", RESULTS_MAX, &query->results, error) ||
        !read_number(request, "page", PAGE_MAX, &query->page, error) ||
        !read_seed(request, query, error) || !read_gender(request, query, error) ||
        !read_format(request, query, error) ||
        !read_list(request, nat_name, find_nat, people_nat_list(), &query->nats, error) ||
        !read_list(request, "inc", find_field, fields, &included, error) ||
        !read_list(request, "exc", find_field, fields, &excluded, error))
        return false;
    query->fields = (included ? included : PERSON_FIELDS_ALL) & ~excluded;
    query->noinfo = value_of(request, "noinfo") != NULL;
    query->download = value_of(request, "dl") != NULL || value_of(request, "download") != NULL;
    return true;
}

// --- the answer
// ---------------------------------------------------------------------------------------------
static void write_records(const struct query *query, struct str *body)
{
    struct person_choice choice =
        person_choose(query->seed, query->page, query->gender, query->nats);
    struct login_maker *maker = query->fields & PERSON_FIELD_LOGIN ? login_maker_new() : NULL;
    for (uint32_t i = 0; i < query->results; i++) {
        struct person person;
        person_make(&person, &choice, i);
        if (query->format != PEOPLE_CSV && i > 0)
            str_append_byte(body, ',');
        if (query->format == PEOPLE_PRETTY)
            str_append_text(body, "\n    ");
        person_write_nested(body, &person, query->format, query->fields, 2, maker);
        if (query->format == PEOPLE_CSV)
            str_append_byte(body, '\n');
    }
    login_maker_free(maker);
}

static void write_json(const struct query *query, struct str *body)
{
    bool pretty = query->format == PEOPLE_PRETTY;
    str_append_text(body, pretty ? "{\n  \"results\": [" : "{\"results\":[");
    write_records(query, body);
    str_append_text(body, pretty ? "\n  ]" : "]");
    if (!query->noinfo) {
        str_append_text(body, pretty ? ",\n  \"info\": {\n    \"seed\": " : ",\"info\":{\"seed\":");
        str_append_json(body, bytes_from(query->seed));
        str_printf(body,
                   pretty
                       ? ",\n    \"results\": %u,\n    \"page\": %u,\n    \"version\": \"%s\"\n  }"
                       : ",\"results\":%u,\"page\":%u,\"version\":\"%s\"}",
                   query->results, query->page, API_VERSION);
    }
    str_append_text(body, pretty ? "\n}\n" : "}");
}

static void answer_people(const struct people_request *request, struct people_answer *answer)
{
    struct query query;
    struct str error = {0};
    if (!read_query(request, &query, &error)) {
        answer_error(answer, 400, str_text(&error));
        str_release(&error);
        return;
    }
    answer->status = 200;
    if (query.format == PEOPLE_CSV) {
        answer->content_type = "text/csv; charset=utf-8";
        answer->disposition = query.download ? "attachment; filename=\"people.csv\"" : NULL;
        person_write_columns(&answer->body, PEOPLE_NESTED, query.fields);
        str_append_byte(&answer->body, '\n');
        write_records(&query, &answer->body);
        return;
    }
    answer->content_type = "application/json; charset=utf-8";
    answer->disposition = query.download ? "attachment; filename=\"people.json\"" : NULL;
    write_json(&query, &answer->body);
}

// "men/7.svg", "med/women/12.svg", "thumb/men/0.svg"
static void answer_portrait(const char *name, struct people_answer *answer)
{
    uint32_t size_px = 128;
    if (strncmp(name, "med/", 4) == 0)
        size_px = 72, name += 4;
    else if (strncmp(name, "thumb/", 6) == 0)
        size_px = 48, name += 6;
    bool woman = strncmp(name, "women/", 6) == 0;
    bool man = strncmp(name, "men/", 4) == 0;
    name += woman ? 6 : man ? 4 : 0;
    size_t digits = strspn(name, "0123456789");
    bool known = (woman || man) && digits >= 1 && digits <= 2 && strcmp(name + digits, ".svg") == 0;
    if (!known) {
        answer_error(answer, 404,
                     "no such portrait, expected /api/portraits/men/N.svg or "
                     "/api/portraits/women/N.svg with N from 0 to 99");
        return;
    }
    uint32_t number = (uint32_t)(name[0] - '0');
    if (digits == 2)
        number = number * 10 + (uint32_t)(name[1] - '0');
    answer->status = 200;
    answer->content_type = "image/svg+xml";
    portrait_write(&answer->body, woman, number, size_px);
}

void people_api_answer(const struct people_request *request, struct people_answer *answer)
{
    static const char portraits[] = "/api/portraits/";
    static const char *const paths[] = {"/api", "/api/", "/api/" API_VERSION,
                                        "/api/" API_VERSION "/"};
    *answer = (struct people_answer){0};
    if (strcmp(request->method, "OPTIONS") == 0) {
        answer->status = 204;
        answer->content_type = "text/plain";
        return;
    }
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        answer_error(answer, 405, "expected GET");
        return;
    }
    if (strncmp(request->path, portraits, sizeof portraits - 1) == 0) {
        answer_portrait(request->path + sizeof portraits - 1, answer);
        return;
    }
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (strcmp(request->path, paths[i]) == 0) {
            answer_people(request, answer);
            return;
        }
    }
    answer_error(answer, 404, "nothing here, expected /api/ or /api/1.4/ or /api/portraits/...");
}
