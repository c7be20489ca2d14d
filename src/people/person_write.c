// SPDX-License-Identifier: Apache-2.0
//
// One description of each shape serves JSON, indented JSON, CSV rows and CSV headers: a struct sink
// turns "a key, a value, a group" into the format. Flat JSON, the hot one, also has a straight
// writer of its own; a test holds the two equal.
#include "people/person_write.h"

#include "people/person_id.h"
#include "people/person_text.h"

// No record is longer: its tables' texts are at most 255 bytes each, pretty nested adds about 1.5
// KB of keys.
enum { RECORD_MAX_BYTES = 8192 };

// --- sink
// -----------------------------------------------------------------------------------------------
enum sink_kind { SINK_JSON, SINK_PRETTY, SINK_ROW, SINK_COLUMNS };
struct sink {
    char *to;
    enum sink_kind kind;
    uint32_t depth;
    bool first;          // of its group
    const char *path[4]; // SINK_COLUMNS: the groups we are in
    uint32_t paths;
    const char *key;
};

static void put_indent(struct sink *sink)
{
    *sink->to++ = '\n';
    for (uint32_t i = 0; i < sink->depth; i++)
        sink->to = PUT_LITERAL(sink->to, "  ");
}

static void sink_key(struct sink *sink, const char *key)
{
    sink->key = key;
    if (sink->kind == SINK_ROW || sink->kind == SINK_COLUMNS)
        return;
    if (!sink->first)
        *sink->to++ = ',';
    sink->first = false;
    if (sink->kind == SINK_PRETTY)
        put_indent(sink);
    *sink->to++ = '"';
    sink->to = put_bytes(sink->to, key, strlen(key));
    sink->to = PUT_LITERAL(sink->to, "\":");
    if (sink->kind == SINK_PRETTY)
        *sink->to++ = ' ';
}

static void sink_open(struct sink *sink, const char *key)
{
    if (key)
        sink_key(sink, key);
    if (sink->kind == SINK_COLUMNS && key)
        sink->path[sink->paths++] = key;
    if (sink->kind == SINK_ROW || sink->kind == SINK_COLUMNS)
        return;
    *sink->to++ = '{';
    sink->depth++;
    sink->first = true;
}

static void sink_close(struct sink *sink)
{
    if (sink->kind == SINK_COLUMNS && sink->paths)
        sink->paths--;
    if (sink->kind == SINK_ROW || sink->kind == SINK_COLUMNS)
        return;
    sink->depth--;
    if (sink->kind == SINK_PRETTY && !sink->first)
        put_indent(sink);
    *sink->to++ = '}';
    sink->first = false;
}

// Before a value: true if the value itself is to be written, at sink->to.
static bool sink_value(struct sink *sink, const char *key)
{
    sink_key(sink, key);
    if (sink->kind != SINK_ROW && sink->kind != SINK_COLUMNS)
        return true;
    if (!sink->first)
        *sink->to++ = ',';
    sink->first = false;
    if (sink->kind == SINK_ROW)
        return true;
    for (uint32_t i = 0; i < sink->paths; i++) {
        sink->to = put_bytes(sink->to, sink->path[i], strlen(sink->path[i]));
        *sink->to++ = '.';
    }
    sink->to = put_bytes(sink->to, key, strlen(key));
    return false;
}

// A JSON string around what is put between the two calls; in CSV quoted only where a comma is
// inside.
static void sink_quote(struct sink *sink, char *start)
{
    if (sink->kind == SINK_ROW) {
        size_t size = (size_t)(sink->to - start);
        if (!memchr(start, ',', size))
            return;
        memmove(start + 1, start, size);
        *start = '"';
        sink->to[1] = '"';
        sink->to += 2;
        return;
    }
    *sink->to++ = '"';
}
static char *sink_start(struct sink *sink)
{
    if (sink->kind != SINK_ROW)
        *sink->to++ = '"';
    return sink->to;
}
#define SINK_STRING(sink, key, put)          \
    do {                                     \
        if (sink_value((sink), (key))) {     \
            char *start_ = sink_start(sink); \
            char *to = (sink)->to;           \
            (sink)->to = (put);              \
            sink_quote((sink), start_);      \
        }                                    \
    } while (0)
#define SINK_NUMBER(sink, key, number)                     \
    do {                                                   \
        if (sink_value((sink), (key)))                     \
            (sink)->to = put_number((sink)->to, (number)); \
    } while (0)

static void sink_text(struct sink *sink, const char *key, const char *text)
{
    SINK_STRING(sink, key, put_bytes(to, text, strlen(text)));
}

// --- nested
// ---------------------------------------------------------------------------------------------
static bool is_nat(const struct person *person, const char *code)
{
    return memcmp(person->nation->code, code, 2) == 0;
}

static const char *title_of(const struct person *person)
{
    static const char *const female[] = {"Ms", "Mrs", "Miss", "Ms"};
    static const char *const french[] = {"Madame", "Madame", "Mademoiselle", "Mrs"};
    bool speaks_french = is_nat(person, "FR") || (is_nat(person, "CH") && person->title % 2);
    if (speaks_french)
        return person->female ? french[person->title % 3] : "Monsieur";
    return person->female ? female[person->title % 4] : "Mr";
}

static void write_location(struct sink *sink, const struct person *person)
{
    const struct people_zone *zone = &people_zones[person->city->zone];
    sink_open(sink, "location");
    sink_open(sink, "street");
    SINK_NUMBER(sink, "number", person->street_number);
    SINK_STRING(sink, "name", put_text(to, *person->street));
    sink_close(sink);
    SINK_STRING(sink, "city", put_text(to, person->city->name));
    SINK_STRING(sink, "state", put_text(to, people_regions[person->city->region].name));
    SINK_STRING(sink, "country", put_text(to, person->nation->name));
    if (is_nat(person, "CA") || is_nat(person, "GB") || is_nat(person, "NO"))
        SINK_STRING(sink, "postcode", person_put_postcode(to, person));
    else if (is_nat(
                 person,
                 "IE")) // a routing key and letters: the digits of a number are all the type allows
        SINK_NUMBER(sink, "postcode", 10000 + (uint32_t)(person->code_seed >> 40) % 90000);
    else
        SINK_NUMBER(sink, "postcode", person_postcode_number(person));
    sink_open(sink, "coordinates");
    SINK_STRING(sink, "latitude", person_put_degrees(to, person->latitude));
    SINK_STRING(sink, "longitude", person_put_degrees(to, person->longitude));
    sink_close(sink);
    sink_open(sink, "timezone");
    SINK_STRING(sink, "offset", put_text(to, zone->offset));
    SINK_STRING(sink, "description", put_text(to, zone->description));
    sink_close(sink);
    sink_close(sink);
}

static void write_login(struct sink *sink, const struct person *person, struct login_maker *maker)
{
    struct person_login login = {0};
    if (sink->kind != SINK_COLUMNS)
        login_maker_make(maker, person, &login);
    sink_open(sink, "login");
    SINK_STRING(sink, "uuid", person_put_uuid(to, person->uuid));
    sink_text(sink, "username", login.username);
    sink_text(sink, "password", login.password);
    sink_text(sink, "salt", login.salt);
    sink_text(sink, "md5", login.md5);
    sink_text(sink, "sha1", login.sha1);
    sink_text(sink, "sha256", login.sha256);
    sink_close(sink);
}

static void write_date(struct sink *sink, const char *key, int64_t ms, uint32_t age)
{
    sink_open(sink, key);
    SINK_STRING(sink, "date", person_put_time(to, ms));
    SINK_NUMBER(sink, "age", age);
    sink_close(sink);
}

static void write_id(struct sink *sink, const struct person *person)
{
    struct person_id id =
        sink->kind == SINK_COLUMNS ? (struct person_id){.kind = ""} : person_id(person);
    sink_open(sink, "id");
    sink_text(sink, "name", id.kind);
    if (id.value[0] || sink->kind == SINK_ROW || sink->kind == SINK_COLUMNS) {
        sink_text(sink, "value", id.value);
    } else {
        sink_key(sink, "value");
        sink->to = PUT_LITERAL(sink->to, "null");
    }
    sink_close(sink);
}

static char *put_portrait(char *to, const struct person *person, const char *size)
{
    to = PUT_LITERAL(to, "/api/portraits/");
    to = put_bytes(to, size, strlen(size));
    to = person->female ? PUT_LITERAL(to, "women/") : PUT_LITERAL(to, "men/");
    to = put_number(to, person->portrait);
    return PUT_LITERAL(to, ".svg");
}

static void write_nested(struct sink *sink, const struct person *person, uint32_t fields,
                         struct login_maker *maker)
{
    sink_open(sink, NULL);
    if (fields & PERSON_FIELD_GENDER)
        sink_text(sink, "gender", person->female ? "female" : "male");
    if (fields & PERSON_FIELD_NAME) {
        sink_open(sink, "name");
        sink_text(sink, "title", title_of(person));
        SINK_STRING(sink, "first", put_text(to, person->first->text));
        SINK_STRING(sink, "last", put_text(to, person->last->text));
        sink_close(sink);
    }
    if (fields & PERSON_FIELD_LOCATION)
        write_location(sink, person);
    if (fields & PERSON_FIELD_EMAIL)
        SINK_STRING(sink, "email", person_put_email(to, person));
    if (fields & PERSON_FIELD_LOGIN)
        write_login(sink, person, maker);
    if (fields & PERSON_FIELD_DOB)
        write_date(sink, "dob", person->dob_ms, person->age);
    if (fields & PERSON_FIELD_REGISTERED)
        write_date(sink, "registered", person->registered_ms, person->registered_age);
    if (fields & PERSON_FIELD_PHONE)
        SINK_STRING(sink, "phone", person_put_phone(to, person, false));
    if (fields & PERSON_FIELD_CELL)
        SINK_STRING(sink, "cell", person_put_phone(to, person, true));
    if (fields & PERSON_FIELD_ID)
        write_id(sink, person);
    if (fields & PERSON_FIELD_PICTURE) {
        sink_open(sink, "picture");
        SINK_STRING(sink, "large", put_portrait(to, person, ""));
        SINK_STRING(sink, "medium", put_portrait(to, person, "med/"));
        SINK_STRING(sink, "thumbnail", put_portrait(to, person, "thumb/"));
        sink_close(sink);
    }
    if (fields & PERSON_FIELD_NAT)
        sink_text(sink, "nat", person->nation->code);
    sink_close(sink);
}

// --- flat
// -----------------------------------------------------------------------------------------------
static char *put_coordinates(char *to, const struct person *person)
{
    to = person_put_degrees(to, person->latitude);
    *to++ = ',';
    return person_put_degrees(to, person->longitude);
}

static void write_flat(struct sink *sink, const struct person *person)
{
    sink_open(sink, NULL);
    SINK_STRING(sink, "user_id", person_put_uuid(to, person->uuid));
    SINK_STRING(sink, "first_name", put_text(to, person->first->text));
    SINK_STRING(sink, "last_name", put_text(to, person->last->text));
    sink_text(sink, "gender", person->female ? "female" : "male");
    SINK_STRING(sink, "address", person_put_address(to, person));
    SINK_STRING(sink, "city", put_text(to, person->city->name));
    SINK_STRING(sink, "postcode", person_put_postcode(to, person));
    SINK_STRING(sink, "state", put_text(to, people_regions[person->city->region].name));
    SINK_STRING(sink, "country", put_text(to, person->nation->name));
    SINK_STRING(sink, "coordinates", put_coordinates(to, person));
    SINK_STRING(sink, "dob", person_put_time(to, person->dob_ms));
    SINK_NUMBER(sink, "age", person->age);
    SINK_STRING(sink, "email", person_put_email(to, person));
    SINK_STRING(sink, "registered_date", person_put_time(to, person->registered_ms));
    SINK_STRING(sink, "phone", person_put_phone(to, person, false));
    sink_text(sink, "nat", person->nation->code);
    sink_close(sink);
}

static char *put_flat_json(char *to, const struct person *person)
{
    to = PUT_LITERAL(to, "{\"user_id\":\"");
    to = person_put_uuid(to, person->uuid);
    to = PUT_LITERAL(to, "\",\"first_name\":\"");
    to = put_text(to, person->first->text);
    to = PUT_LITERAL(to, "\",\"last_name\":\"");
    to = put_text(to, person->last->text);
    to = person->female ? PUT_LITERAL(to, "\",\"gender\":\"female\",\"address\":\"")
                        : PUT_LITERAL(to, "\",\"gender\":\"male\",\"address\":\"");
    to = person_put_address(to, person);
    to = PUT_LITERAL(to, "\",\"city\":\"");
    to = put_text(to, person->city->name);
    to = PUT_LITERAL(to, "\",\"postcode\":\"");
    to = person_put_postcode(to, person);
    to = PUT_LITERAL(to, "\",\"state\":\"");
    to = put_text(to, people_regions[person->city->region].name);
    to = PUT_LITERAL(to, "\",\"country\":\"");
    to = put_text(to, person->nation->name);
    to = PUT_LITERAL(to, "\",\"coordinates\":\"");
    to = put_coordinates(to, person);
    to = PUT_LITERAL(to, "\",\"dob\":\"");
    to = person_put_time(to, person->dob_ms);
    to = PUT_LITERAL(to, "\",\"age\":");
    to = put_number(to, person->age);
    to = PUT_LITERAL(to, ",\"email\":\"");
    to = person_put_email(to, person);
    to = PUT_LITERAL(to, "\",\"registered_date\":\"");
    to = person_put_time(to, person->registered_ms);
    to = PUT_LITERAL(to, "\",\"phone\":\"");
    to = person_put_phone(to, person, false);
    to = PUT_LITERAL(to, "\",\"nat\":\"");
    to = put_bytes(to, person->nation->code, 2);
    return PUT_LITERAL(to, "\"}");
}

// --- faces
// ----------------------------------------------------------------------------------------------
static struct sink sink_make(struct str *out, enum sink_kind kind)
{
    str_reserve(out, RECORD_MAX_BYTES);
    return (struct sink){.to = out->ptr + out->size, .kind = kind, .first = true};
}

static void sink_end(struct sink *sink, struct str *out)
{
    out->size = (size_t)(sink->to - out->ptr);
    out->ptr[out->size] = 0;
}

static enum sink_kind kind_of(enum people_format format)
{
    return format == PEOPLE_CSV ? SINK_ROW : format == PEOPLE_PRETTY ? SINK_PRETTY : SINK_JSON;
}

void person_write_nested(struct str *out, const struct person *person, enum people_format format,
                         uint32_t fields, uint32_t depth, struct login_maker *maker)
{
    struct sink sink = sink_make(out, kind_of(format));
    sink.depth = depth;
    write_nested(&sink, person, fields, maker);
    sink_end(&sink, out);
}

void person_write_flat(struct str *out, const struct person *person, enum people_format format)
{
    struct sink sink = sink_make(out, kind_of(format));
    if (format == PEOPLE_JSON)
        sink.to = put_flat_json(sink.to, person);
    else
        write_flat(&sink, person);
    sink_end(&sink, out);
}

void person_write_columns(struct str *out, enum people_shape shape, uint32_t fields)
{
    struct person any;
    struct person_choice choice = person_choose("", 1, PEOPLE_ANY, 0);
    person_make(&any, &choice, 0);
    struct sink sink = sink_make(out, SINK_COLUMNS);
    if (shape == PEOPLE_FLAT)
        write_flat(&sink, &any);
    else
        write_nested(&sink, &any, fields, NULL);
    sink_end(&sink, out);
}

void person_uuid(const struct person *person, char out[37])
{
    *person_put_uuid(out, person->uuid) = 0;
}
