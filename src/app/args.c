// SPDX-License-Identifier: Apache-2.0
#include "app/args.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int find(const struct args *args, const char *name, size_t size)
{
    for (int i = 0; args->options[i].name; i++)
        if (strlen(args->options[i].name) == size &&
            strncmp(args->options[i].name, name, size) == 0)
            return i;
    return -1;
}

static bool store(struct args *args, int index, const char *value)
{
    args->values[index] = value;
    if (args->given_count == ARGS_GIVEN_MAX) {
        fprintf(stderr, "%s: more than %d options\n", args->command, ARGS_GIVEN_MAX);
        return false;
    }
    args->given[args->given_count].option = index;
    args->given[args->given_count++].value = value;
    if (strcmp(args->options[index].name, "set") != 0)
        return true;
    if (args->set_count == ARGS_WORDS_MAX) {
        fprintf(stderr, "%s: too many --set\n", args->command);
        return false;
    }
    args->sets[args->set_count++] = value;
    return true;
}

// Takes the option at argv[*at], and its value; moves *at to the last word used.
static bool take_option(struct args *args, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    const char *name = word + 2;
    size_t size = strcspn(name, "=");
    int index = find(args, name, size);
    if (index < 0) {
        fprintf(stderr, "%s: unknown option %.*s; %s --help lists them\n", args->command,
                (int)size + 2, word, args->command);
        return false;
    }
    const char *value = name[size] == '=' ? name + size + 1 : NULL;
    const struct option *option = &args->options[index];
    if (!option->value) {
        if (value)
            fprintf(stderr, "%s: --%s takes no value\n", args->command, option->name);
        return !value && store(args, index, "");
    }
    if (!value && *at + 1 == argc) {
        fprintf(stderr, "%s: --%s needs a value: --%s %s\n", args->command, option->name,
                option->name, option->value);
        return false;
    }
    return store(args, index, value ? value : argv[++*at]);
}

bool args_parse(struct args *args, const char *command, const struct option *options, int argc,
                char **argv)
{
    memset(args, 0, sizeof *args);
    args->command = command;
    args->options = options;
    bool only_words = false;
    for (int at = 0; at < argc; at++) {
        const char *word = argv[at];
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
        } else if (!only_words && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            args->help = true;
        } else if (!only_words && strncmp(word, "--", 2) == 0) {
            if (!take_option(args, argc, argv, &at))
                return false;
        } else if (!only_words && word[0] == '-' && word[1] != '\0') {
            fprintf(stderr, "%s: unknown option %s; %s --help lists them\n", command, word,
                    command);
            return false;
        } else if (args->word_count == ARGS_WORDS_MAX) {
            fprintf(stderr, "%s: too many words\n", command);
            return false;
        } else {
            args->words[args->word_count++] = word;
        }
    }
    return true;
}

const char *args_text(const struct args *args, const char *name, const char *fallback)
{
    int index = find(args, name, strlen(name));
    return index >= 0 && args->values[index] ? args->values[index] : fallback;
}

const char *args_next(const struct args *args, const char *name, size_t *at)
{
    int index = find(args, name, strlen(name));
    while (*at < args->given_count) {
        size_t this = (*at)++;
        if (args->given[this].option == index)
            return args->given[this].value;
    }
    return NULL;
}

bool args_flag(const struct args *args, const char *name)
{
    return args_text(args, name, NULL) != NULL;
}

int64_t args_int(const struct args *args, const char *name, int64_t fallback, int64_t min,
                 int64_t max, bool *ok)
{
    const char *text = args_text(args, name, NULL);
    if (!text)
        return fallback;
    char *end = NULL;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno || value < min || value > max) {
        fprintf(stderr,
                "%s: --%s is '%s', expected a whole number from %" PRId64 " to %" PRId64 "\n",
                args->command, name, text, min, max);
        *ok = false;
    }
    return value;
}

int args_verb(const struct args *args, const struct args_verb *verbs)
{
    int at = 0;
    if (args->word_count == 0)
        return at;
    while (verbs[at].name &&
           (strcmp(args->words[0], verbs[at].name) != 0 || args->word_count < verbs[at].words_min ||
            args->word_count > verbs[at].words_max))
        at++;
    return at;
}

void args_print_options(const struct option *options)
{
    for (; options->name; options++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", options->name, options->value ? " " : "",
                 options->value ? options->value : "");
        printf("  %-24s %s\n", left, options->help);
    }
}
