// SPDX-License-Identifier: Apache-2.0
//
// gen_kafka_configs: schema/kafka_configs.tbl (Kafka's settings) and kafka_configs_weir.tbl (what
// weir makes of them) -> broker/kafka_config_table.c.
// usage: gen_kafka_configs kafka_configs.tbl kafka_configs_weir.tbl out.c

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERDICTS_MAX = 200, CONFIGS_MAX = 600, LINE_BYTES = 16384 };

struct verdict {
    char scope[20], name[80], verdict[12], value[40], words[400];
    bool used;
    int line;
};

struct config { // pointers into its line
    char *line;
    char *scope, *name, *type, *value, *update, *rule, *synonym, *about;
};

static struct verdict verdicts[VERDICTS_MAX];
static int verdict_count;
static struct config configs[CONFIGS_MAX];
static int config_count;

static void die(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    exit(1);
}

static FILE *must_open(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

static void read_verdicts(const char *path)
{
    FILE *in = must_open(path, "r");
    static char row[LINE_BYTES];
    for (int line = 1; fgets(row, sizeof row, in); line++) {
        if (row[0] == '#' || row[0] == '\n')
            continue;
        struct verdict *to = &verdicts[verdict_count];
        int at = 0;
        if (verdict_count == VERDICTS_MAX ||
            sscanf(row, "%19s %79s %11s %39s %n", to->scope, to->name, to->verdict, to->value,
                   &at) != 4 ||
            row[at] != '"')
            die(path, line, "expected: scope name verdict value \"words\"");
        static const char *const known[] = {"honoured", "accepted", "synced", "fixed"};
        bool fine = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            fine = fine || strcmp(known[i], to->verdict) == 0;
        if (!fine)
            die(path, line, "expected honoured, accepted, synced or fixed");
        row[strcspn(row, "\n")] = '\0';
        snprintf(to->words, sizeof to->words, "%s", row + at);
        to->line = line;
        verdict_count++;
    }
    fclose(in);
}

static void read_configs(const char *path)
{
    FILE *in = must_open(path, "r");
    static char row[LINE_BYTES];
    for (int line = 1; fgets(row, sizeof row, in); line++) {
        if (row[0] == '#' || row[0] == '\n')
            continue;
        row[strcspn(row, "\n")] = '\0';
        if (config_count == CONFIGS_MAX)
            die(path, line, "too many settings");
        struct config *to = &configs[config_count++];
        char *save = NULL;
        to->line = strdup(row);
        to->scope = strtok_r(to->line, "\t", &save);
        char **fields[] = {&to->name, &to->type,    &to->value, &to->update,
                           &to->rule, &to->synonym, &to->about};
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            if (!(*fields[i] = strtok_r(NULL, "\t", &save)))
                die(path, line, "expected eight fields, split by tabs");
    }
    fclose(in);
}

static bool fits(const char *pattern, const char *name)
{
    const char *star = strchr(pattern, '*');
    if (!star)
        return strcmp(pattern, name) == 0;
    size_t head = (size_t)(star - pattern), tail = strlen(star + 1), size = strlen(name);
    return size >= head + tail && strncmp(pattern, name, head) == 0 &&
           strcmp(name + size - tail, star + 1) == 0;
}

static struct verdict *find_verdict(const char *scope, const char *name)
{
    for (int i = 0; i < verdict_count; i++)
        if (strcmp(verdicts[i].scope, scope) == 0 && fits(verdicts[i].name, name)) {
            verdicts[i].used = true;
            return &verdicts[i];
        }
    return NULL;
}

// The topic's setting that inherits this one of the broker.
static const struct config *heir(const struct config *config)
{
    char quoted[100];
    snprintf(quoted, sizeof quoted, "\"%s\"", config->name);
    for (int i = 0; strcmp(config->scope, "broker") == 0 && i < config_count; i++)
        if (strcmp(configs[i].scope, "topic") == 0 && strcmp(configs[i].synonym, quoted) == 0)
            return &configs[i];
    return NULL;
}

static const char *upper(const char *text, char *out)
{
    size_t size = strlen(text);
    for (size_t i = 0; i <= size; i++)
        out[i] = (char)(text[i] == '-'                     ? '_'
                        : text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32
                                                           : text[i]);
    return out;
}

// "[0,...]" "[0,...,1]" "[1,...,9] or -1" "[a, b]" "(case insensitive) [A, B]"; others say nothing.
static void print_rule(FILE *out, const char *rule, const char *type)
{
    double min = 0, max = 0;
    bool number = strcmp(type, "INT") == 0 || strcmp(type, "LONG") == 0 ||
                  strcmp(type, "SHORT") == 0 || strcmp(type, "DOUBLE") == 0;
    if (number && sscanf(rule, "\"[%lf,...,%lf]", &min, &max) == 2)
        fprintf(out, "KAFKA_CONFIG_RANGE, %.0f, %.0f, %s, NULL", min, max,
                strstr(rule, " or -1") ? "true" : "false");
    else if (number && sscanf(rule, "\"[%lf,...]", &min) == 1)
        fprintf(out, "KAFKA_CONFIG_AT_LEAST, %.0f, 0, false, NULL", min);
    else if (!number && rule[1] == '[' && strchr(rule, ']')[1] == '"' &&
             !strstr(rule, "by_duration"))
        fprintf(out, "KAFKA_CONFIG_ONE_OF, 0, 0, false, \"%.*s\"", (int)strlen(rule) - 4, rule + 2);
    else if (strncmp(rule, "\"(case insensitive) [", 21) == 0)
        fprintf(out, "KAFKA_CONFIG_ONE_OF_ANY_CASE, 0, 0, false, \"%.*s\"", (int)strlen(rule) - 23,
                rule + 21);
    else if (strncmp(rule, "\"[partitionId]", 14) == 0)
        fprintf(out, "KAFKA_CONFIG_REPLICAS, 0, 0, false, NULL");
    else
        fprintf(out, "KAFKA_CONFIG_ANY, 0, 0, false, NULL");
}

static const char *or_null(const char *quoted)
{
    return strcmp(quoted, "\"\"") == 0 || strcmp(quoted, "none") == 0 || strcmp(quoted, "null") == 0
               ? "NULL"
               : quoted;
}

static void print_config(FILE *out, const struct config *config, const char *path)
{
    char a[40], b[40], c[40];
    const struct config *topic = heir(config);
    struct verdict *verdict =
        topic ? find_verdict("topic", topic->name) : find_verdict(config->scope, config->name);
    bool changes = strcmp(config->update, "read-only") != 0;
    if (!verdict && changes) {
        fprintf(stderr, "%s: %s %s: say what weir makes of it\n", path, config->scope,
                config->name);
        exit(1);
    }
    const char *value = strcmp(config->value, "none") == 0   ? "NULL"
                        : strcmp(config->value, "null") == 0 ? "NULL"
                                                             : config->value;
    bool own = verdict && !topic && strcmp(verdict->value, "-") != 0;
    fprintf(
        out,
        "    {\"%s\", KAFKA_CONFIG_%s, KAFKA_CONFIG_TYPE_%s, KAFKA_CONFIG_%s, KAFKA_CONFIG_%s, ",
        config->name, upper(config->scope, a), config->type, upper(config->update, b),
        verdict ? upper(verdict->verdict, c) : "FIXED");
    fprintf(out, "%s, ", value);
    if (own)
        fprintf(out, "\"%s\", {", verdict->value);
    else
        fprintf(out, "NULL, {");
    print_rule(out, config->rule, config->type);
    fprintf(out, "}, %s, %s, %s},\n", or_null(config->synonym), or_null(config->about),
            verdict ? or_null(verdict->words) : "NULL");
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr,
                "usage: gen_kafka_configs kafka_configs.tbl kafka_configs_weir.tbl out.c\n");
        return 2;
    }
    read_configs(argv[1]);
    read_verdicts(argv[2]);
    FILE *out = must_open(argv[3], "w");
    fprintf(
        out,
        "// Generated by tools/gen_kafka_configs.c from schema/kafka_configs.tbl and "
        "kafka_configs_weir.tbl.\n"
        "#include \"broker/kafka_config.h\"\n\nconst struct kafka_config kafka_configs[] = {\n");
    for (int i = 0; i < config_count; i++)
        print_config(out, &configs[i], argv[2]);
    fprintf(
        out,
        "};\nconst size_t kafka_config_count = sizeof kafka_configs / sizeof *kafka_configs;\n");
    for (int i = 0; i < verdict_count; i++)
        if (!verdicts[i].used)
            die(argv[2], verdicts[i].line, "Kafka has no such setting, or a line above says it");
    if (fclose(out) != 0) {
        perror(argv[3]);
        return 1;
    }
    return 0;
}
