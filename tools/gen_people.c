// SPDX-License-Identifier: Apache-2.0
//
// gen_people DATA_DIR OUT.h OUT.c: turns data/people/*.tsv and data/sentences.txt into constant
// tables of C. All text lives in one blob, so the tables hold no pointers and need no relocation.
// Cities get an alias table (Vose) by population, made with whole numbers: a draw costs one random
// number and one comparison.
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
enum {
    FIELDS_MAX = 16,
    CITIES_MAX = 20000,
    REGIONS_MAX = 1000,
    ZONES_MAX = 250,
    NATIONS_MAX = 32,
    CODES_MAX = 65000,
    KINDS = 4
};

static FILE *out;
static const char *dir;

static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "gen_people: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

// --- reading
// ----------------------------------------------------------------------------------------
struct table {
    FILE *file;
    char line[8192];
    char *field[FIELDS_MAX];
    int fields;
    int number;
    const char *name;
};

static struct table table_open(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    struct table table = {.file = fopen(path, "r"), .name = name};
    if (!table.file)
        die("cannot open %s", path);
    return table;
}

static bool table_next(struct table *table, int fields)
{
    while (fgets(table->line, sizeof table->line, table->file)) {
        table->number++;
        if (table->line[0] == '#')
            continue;
        table->line[strcspn(table->line, "\n")] = 0;
        table->fields = 0;
        char *rest = table->line;
        while (rest && table->fields < FIELDS_MAX)
            table->field[table->fields++] = strsep(&rest, "\t");
        if (table->fields != fields)
            die("%s:%d: %d fields, expected %d", table->name, table->number, table->fields, fields);
        return true;
    }
    fclose(table->file);
    return false;
}

// --- text
// -------------------------------------------------------------------------------------------
static char *blob;
static size_t blob_size, blob_capacity;
struct slot {
    uint32_t at;
    uint32_t size;
};
static struct slot *slots;
static size_t slots_count, slots_capacity;

// Where `text` is in the blob; the same text is stored once.
static uint32_t text_at(const char *text)
{
    size_t size = strlen(text);
    if (size > 255)
        die("text longer than 255 bytes: %s", text);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < 0x20 || *c == '"' || *c == '\\')
            die("'%s' would need escaping in JSON", text);
    }
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    if (!slots) {
        slots_capacity = 1 << 17;
        slots = calloc(slots_capacity, sizeof *slots);
    }
    size_t slot = hash & (slots_capacity - 1);
    for (; slots[slot].size; slot = (slot + 1) & (slots_capacity - 1)) {
        if (slots[slot].size == size + 1 && memcmp(blob + slots[slot].at, text, size) == 0)
            return slots[slot].at;
    }
    if (++slots_count * 2 > slots_capacity)
        die("too many texts");
    if (blob_size + size > blob_capacity) {
        blob_capacity = blob_capacity ? blob_capacity * 2 : 1 << 20;
        blob = realloc(blob, blob_capacity);
    }
    memcpy(blob + blob_size, text, size);
    slots[slot] = (struct slot){(uint32_t)blob_size, (uint32_t)size + 1};
    blob_size += size;
    return slots[slot].at;
}

// "{at, size}"
static const char *text_ref(const char *text)
{
    static char made[8][32];
    static int next;
    next = (next + 1) % 8;
    snprintf(made[next], sizeof made[next], "{%" PRIu32 ", %zu}", text_at(text), strlen(text));
    return made[next];
}

// --- what was read
// ------------------------------------------------------------------------------------
struct nation {
    char code[3];
    char *name, *phone, *cell, *postcode;
    int digits;
    int cities_at, cities;
    int names_at[KINDS], names[KINDS];
    int streets_at, streets;
};
static struct nation nations[NATIONS_MAX];
static int nations_count;
static struct {
    int nation;
    char *name;
} regions[REGIONS_MAX];
static int regions_count;
static char *zones[ZONES_MAX];
static int zones_count;
static uint64_t populations[CITIES_MAX];
static char *city_lines[CITIES_MAX];
static int cities_count, codes_count, areas_count, names_count, streets_count;

static int nation_find(const char *code)
{
    for (int i = 0; i < nations_count; i++) {
        if (strcmp(nations[i].code, code) == 0)
            return i;
    }
    die("unknown nationality %s", code);
    return -1;
}

static void read_nations(void)
{
    struct table table = table_open("people/nations.tsv");
    while (table_next(&table, 6)) {
        struct nation *nation = &nations[nations_count++];
        snprintf(nation->code, sizeof nation->code, "%s", table.field[0]);
        nation->name = strdup(table.field[1]);
        nation->phone = strdup(table.field[2]);
        nation->cell = strdup(table.field[3]);
        nation->postcode = strdup(table.field[4]);
        nation->digits = atoi(table.field[5]);
    }
}

static void write_zones(void)
{
    struct table table = table_open("people/zones.tsv");
    fprintf(out, "\nconst struct people_zone people_zones[] = {\n");
    while (table_next(&table, 3)) {
        int minutes = atoi(table.field[1]);
        char offset[16];
        snprintf(offset, sizeof offset, "%s%d:%02d",
                 minutes > 0   ? "+"
                 : minutes < 0 ? "-"
                               : "",
                 abs(minutes) / 60, abs(minutes) % 60);
        zones[zones_count++] = strdup(table.field[0]);
        fprintf(out, "    {%s, %s, %s},\n", text_ref(table.field[0]), text_ref(offset),
                text_ref(table.field[2]));
    }
    fprintf(out, "};\n");
}

// "205|251" as `count` area codes.
static void write_regions(void)
{
    struct table table = table_open("people/regions.tsv");
    char *areas = NULL;
    size_t areas_size = 0;
    FILE *list = open_memstream(&areas, &areas_size);
    fprintf(out, "\nconst struct people_region people_regions[] = {\n");
    while (table_next(&table, 3)) {
        regions[regions_count].nation = nation_find(table.field[0]);
        regions[regions_count++].name = strdup(table.field[1]);
        int first = areas_count;
        char *rest = table.field[2];
        while (*table.field[2] && rest) {
            fprintf(list, "    \"%s\",\n", strsep(&rest, "|"));
            areas_count++;
        }
        fprintf(out, "    {%s, %d, %d},\n", text_ref(table.field[1]), first, areas_count - first);
    }
    fclose(list);
    fprintf(out, "};\n\nconst char people_areas[][4] = {\n%s};\n", areas);
    free(areas);
}

// --- cities
// ----------------------------------------------------------------------------------------------
static uint32_t digits_fill(const char *digits, size_t size, int width, char with)
{
    uint32_t value = 0;
    for (int i = 0; i < width; i++)
        value = value * 10 + (uint32_t)((i < (int)size ? digits[i] : with) - '0');
    return value;
}

// One alternative of a city's postcodes: a range of numbers, or a pattern that starts with letters.
static void write_code(FILE *list, const struct nation *nation, const char *code)
{
    char pattern[64] = "";
    uint32_t low = 0, high = 0;
    if (nation->digits) {
        size_t size = strcspn(code, "-");
        const char *end = code[size] ? code + size + 1 : code;
        low = digits_fill(code, size, nation->digits, '0');
        high = digits_fill(end, strlen(end), nation->digits, '9');
        if (high < low)
            die("postcodes %s run backwards", code);
        if (low % 10 == 0 && high > low)
            low++;
    } else if (nation->postcode[0] == 'P') {
        snprintf(pattern, sizeof pattern, "%s%s", code, nation->postcode + 1);
    } else {
        snprintf(pattern, sizeof pattern, "%s", nation->postcode);
        memcpy(pattern, code, strlen(code));
    }
    fprintf(list, "    {%" PRIu32 ", %" PRIu32 ", %s},\n", low, high, text_ref(pattern));
    if (++codes_count > CODES_MAX)
        die("too many postcodes");
}

static void read_cities(void)
{
    struct table table = table_open("people/cities.tsv");
    int last = -1;
    while (table_next(&table, 11)) {
        int nation = nation_find(table.field[0]);
        if (nation < last)
            die("cities.tsv:%d: nationalities are not in order", table.number);
        if (nation != last)
            nations[nation].cities_at = cities_count;
        last = nation;
        nations[nation].cities++;
        populations[cities_count] = strtoull(table.field[3], NULL, 10);
        for (int i = 1; i < table.fields; i++)
            table.field[i][-1] = '\t';
        city_lines[cities_count++] = strdup(table.line);
        if (cities_count == CITIES_MAX)
            die("too many cities");
    }
}

// Vose's alias method with weights scaled so that the average is exactly `sum`.
static void alias_table(const uint64_t *weights, size_t count, uint32_t *cuts, int *aliases)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += weights[i];
    uint64_t *scaled = calloc(count, sizeof *scaled);
    int *small = calloc(count, sizeof *small), *large = calloc(count, sizeof *large);
    int smalls = 0, larges = 0;
    for (size_t i = 0; i < count; i++) {
        scaled[i] = weights[i] * (uint64_t)count;
        if (scaled[i] < sum)
            small[smalls++] = (int)i;
        else
            large[larges++] = (int)i;
    }
    while (smalls && larges) {
        int less = small[--smalls], more = large[--larges];
        cuts[less] = (uint32_t)(((__uint128_t)scaled[less] << 32) / sum);
        aliases[less] = more;
        scaled[more] -= sum - scaled[less];
        if (scaled[more] < sum)
            small[smalls++] = more;
        else
            large[larges++] = more;
    }
    while (larges || smalls) {
        int full = larges ? large[--larges] : small[--smalls];
        cuts[full] = UINT32_MAX;
        aliases[full] = full;
    }
    free(scaled);
    free(small);
    free(large);
}

static int region_find(int nation, const char *name)
{
    for (int i = 0; i < regions_count; i++) {
        if (regions[i].nation == nation && strcmp(regions[i].name, name) == 0)
            return i;
    }
    die("unknown region %s", name);
    return -1;
}

static int zone_find(const char *name)
{
    for (int i = 0; i < zones_count; i++) {
        if (strcmp(zones[i], name) == 0)
            return i;
    }
    die("unknown time zone %s", name);
    return -1;
}

static void write_city(FILE *codes, int nation, int index, uint32_t cut, int alias)
{
    char *field[11], *rest = city_lines[index];
    for (int i = 0; i < 11; i++)
        field[i] = strsep(&rest, "\t");
    int first = codes_count;
    for (char *code; (code = strsep(&field[10], "|"));)
        write_code(codes, &nations[nation], code);
    fprintf(out, "    {0x%s, %s, %s, %s, %s, %s, %" PRIu32 "u, %d, %d, %d, %d, %d},\n", field[8],
            field[4], field[5], field[6], field[7], text_ref(field[1]), cut, alias,
            region_find(nation, field[2]), first, codes_count - first, zone_find(field[9]));
}

static void write_cities(void)
{
    char *codes = NULL;
    size_t codes_size = 0;
    FILE *list = open_memstream(&codes, &codes_size);
    static uint32_t cuts[CITIES_MAX];
    static int aliases[CITIES_MAX];
    fprintf(out, "\nconst struct people_city people_cities[] = {\n");
    for (int n = 0; n < nations_count; n++) {
        struct nation *nation = &nations[n];
        alias_table(populations + nation->cities_at, (size_t)nation->cities, cuts, aliases);
        for (int i = 0; i < nation->cities; i++)
            write_city(list, n, nation->cities_at + i, cuts[i], aliases[i]);
    }
    fclose(list);
    fprintf(out, "};\n\nconst struct people_code people_codes[] = {\n%s};\n", codes);
    free(codes);
}

// --- names, streets, sentences
// ----------------------------------------------------------------------------
static void write_names(void)
{
    static const char *const kinds[] = {"female", "male", "last_female", "last_male"};
    struct table table = table_open("people/names.tsv");
    fprintf(out, "\nconst struct people_name people_names[] = {\n");
    while (table_next(&table, 4)) {
        struct nation *nation = &nations[nation_find(table.field[0])];
        for (size_t k = 0; k < COUNT(kinds); k++) {
            bool both = strcmp(table.field[1], "last") == 0 && k >= 2;
            if (!both && strcmp(kinds[k], table.field[1]) != 0)
                continue;
            if (nation->names[k]++ == 0)
                nation->names_at[k] = names_count;
        }
        fprintf(out, "    {%s, %s},\n", text_ref(table.field[2]), text_ref(table.field[3]));
        names_count++;
    }
    fprintf(out, "};\n");
}

static void write_streets(void)
{
    struct table table = table_open("people/streets.tsv");
    fprintf(out, "\nconst struct people_text people_streets[] = {\n");
    while (table_next(&table, 2)) {
        struct nation *nation = &nations[nation_find(table.field[0])];
        if (nation->streets++ == 0)
            nation->streets_at = streets_count;
        fprintf(out, "    %s,\n", text_ref(table.field[1]));
        streets_count++;
    }
    fprintf(out, "};\n");
}

static void write_nations(void)
{
    fprintf(out, "\nconst struct people_nation people_nations[] = {\n");
    for (int n = 0; n < nations_count; n++) {
        const struct nation *nation = &nations[n];
        if (!nation->cities || !nation->streets)
            die("no cities or streets for %s", nation->code);
        fprintf(out, "    {\"%s\", %s, %s, %s, %s, %d, %d, %d, %d, %d, {", nation->code,
                text_ref(nation->name), text_ref(nation->phone), text_ref(nation->cell),
                text_ref(nation->digits ? nation->postcode : ""), nation->digits, nation->cities_at,
                nation->cities, nation->streets_at, nation->streets);
        for (int k = 0; k < KINDS; k++) {
            if (!nation->names[k])
                die("no names for %s", nation->code);
            fprintf(out, "{%d, %d}, ", nation->names_at[k], nation->names[k]);
        }
        fprintf(out, "}},\n");
    }
    fprintf(out,
            "};\nconst size_t people_nations_count = %d;\nconst size_t people_cities_count = %d;\n",
            nations_count, cities_count);
}

// "list: part" lines, sorted by list in the file's order.
static void write_sentences(void)
{
    struct table table = table_open("sentences.txt");
    char lists[64][32];
    int firsts[65], count = 0, parts = 0;
    fprintf(out, "\nconst struct people_text sentence_parts[] = {\n");
    while (table_next(&table, 1)) {
        char *part = strstr(table.line, ": ");
        if (!part)
            die("sentences.txt:%d: expected \"list: part\"", table.number);
        *part = 0;
        if (count == 0 || strcmp(lists[count - 1], table.line) != 0) {
            if (count == 64)
                die("too many lists of sentence parts");
            if (strlen(table.line) >= sizeof lists[count])
                die("sentences.txt:%d: the list's name is too long", table.number);
            memcpy(lists[count], table.line, strlen(table.line) + 1);
            firsts[count++] = parts;
        }
        fprintf(out, "    %s,\n", text_ref(part + 2));
        parts++;
    }
    firsts[count] = parts;
    fprintf(out, "};\nconst struct sentence_list sentence_lists[] = {\n");
    for (int i = 0; i < count; i++)
        fprintf(out, "    {%s, {%d, %d}},\n", text_ref(lists[i]), firsts[i],
                firsts[i + 1] - firsts[i]);
    fprintf(out, "};\nconst size_t sentence_lists_count = %d;\n", count);
}

static void write_blob(void)
{
    fprintf(out,
            "\n// Followed by room for copies of a fixed size.\nconst char people_texts[%zu] =",
            blob_size + 256);
    for (size_t i = 0; i < blob_size; i++) {
        if (i % 96 == 0)
            fprintf(out, "%s\n    \"", i ? "\"" : "");
        unsigned char c = (unsigned char)blob[i];
        if (c >= 0x20 && c < 0x7f && c != '?')
            fputc(c, out);
        else
            fprintf(out, "\\%03o", c);
    }
    fprintf(out, "\";\n");
}

static const char header[] =
    "// Made by tools/gen_people.c from data/; do not edit.\n"
    "#ifndef PEOPLE_TABLES_H\n#define PEOPLE_TABLES_H\n\n#include <stddef.h>\n#include "
    "<stdint.h>\n\n"
    "// A piece of people_texts.\nstruct people_text {\n    uint32_t at;\n    uint32_t size;\n};\n"
    "struct people_range {\n    uint32_t first;\n    uint32_t count;\n};\n"
    "struct people_zone {\n    struct people_text name;\n    struct people_text offset;      // "
    "\"+5:30\"\n    struct people_text description;\n};\n"
    "struct people_region {\n    struct people_text name;\n    uint16_t areas_at; // in "
    "people_areas\n    uint16_t areas;\n};\n"
    "struct people_city {\n    uint64_t land; // which of 8 x 8 cells around it are land of its "
    "country and zone; bit row * 8 + column\n"
    "    int32_t latitude;  // in 0.0001 degrees\n    int32_t longitude;\n    uint16_t "
    "cell_height; // in the same\n    uint16_t cell_width;\n"
    "    struct people_text name;\n    uint32_t cut; // alias table by population: below cut "
    "itself, else ...\n    uint16_t alias;    // ... this one of its nation\n"
    "    uint16_t region;\n    uint16_t codes_at; // in people_codes\n    uint8_t codes;\n    "
    "uint8_t zone;\n};\n"
    "// low..high where the nation's postcodes are numbers, else a pattern.\nstruct people_code "
    "{\n    uint32_t low;\n    uint32_t high;\n    struct people_text pattern;\n};\n"
    "struct people_name {\n    struct people_text text;\n    struct people_text ascii;\n};\n"
    "enum people_name_kind { PEOPLE_NAME_FEMALE, PEOPLE_NAME_MALE, PEOPLE_NAME_LAST_FEMALE, "
    "PEOPLE_NAME_LAST_MALE, PEOPLE_NAME_KINDS };\n"
    "struct people_nation {\n    char code[3];\n    struct people_text name, phone, cell, "
    "postcode;\n    uint32_t postcode_digits; // 0 = letters\n"
    "    struct people_range cities, streets;\n    struct people_range "
    "names[PEOPLE_NAME_KINDS];\n};\n"
    "struct sentence_list {\n    struct people_text name;\n    struct people_range parts;\n};\n\n"
    "extern const char people_texts[];\nextern const struct people_zone people_zones[];\nextern "
    "const struct people_region people_regions[];\n"
    "extern const char people_areas[][4];\nextern const struct people_city "
    "people_cities[];\nextern const struct people_code people_codes[];\n"
    "extern const struct people_name people_names[];\nextern const struct people_text "
    "people_streets[];\nextern const struct people_nation people_nations[];\n"
    "extern const struct people_text sentence_parts[];\nextern const struct sentence_list "
    "sentence_lists[];\n"
    "extern const size_t people_nations_count;\nextern const size_t people_cities_count;\nextern "
    "const size_t sentence_lists_count;\n\n#endif\n";

int main(int argc, char **argv)
{
    if (argc != 4)
        die("usage: gen_people DATA_DIR OUT.h OUT.c");
    dir = argv[1];
    out = fopen(argv[2], "w");
    if (!out || fputs(header, out) < 0 || fclose(out) != 0)
        die("cannot write %s", argv[2]);
    out = fopen(argv[3], "w");
    if (!out)
        die("cannot write %s", argv[3]);
    fprintf(
        out,
        "// Made by tools/gen_people.c from data/; do not edit.\n#include \"people/tables.h\"\n\n"
        "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n#pragma GCC diagnostic ignored "
        "\"-Wmissing-braces\"\n");
    read_nations();
    read_cities();
    write_zones();
    write_regions();
    write_cities();
    write_names();
    write_streets();
    write_nations();
    write_sentences();
    write_blob();
    if (fclose(out) != 0)
        die("cannot write %s", argv[3]);
    return 0;
}
