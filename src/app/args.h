// SPDX-License-Identifier: Apache-2.0
//
// args: the words of a command line, against a table of the options a command takes.
//
// `--name value`, `--name=value`, `-n value`, flags without a value, `--` ends the options. A wrong
// word is told on stderr with what was expected; the caller then exits 2.
#ifndef APP_ARGS_H
#define APP_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct option {
    const char *name;  // "count"
    const char *value; // "N" in the help; NULL = a flag
    const char *help;
};

enum { ARGS_WORDS_MAX = 32, ARGS_OPTIONS_MAX = 40, ARGS_GIVEN_MAX = 64 };

struct args {
    const char *command;                   // for the messages: "weir people"
    const struct option *options;          // ends with a NULL name
    const char *words[ARGS_WORDS_MAX + 1]; // what is not an option; NULL-terminated
    size_t word_count;
    const char *values[ARGS_OPTIONS_MAX]; // per option, the last given; "" for a flag
    const char *sets[ARGS_WORDS_MAX + 1]; // every --set; NULL-terminated
    size_t set_count;
    struct {
        int option;
        const char *value;
    } given[ARGS_GIVEN_MAX]; // every option in the order given, for args_next()
    size_t given_count;
    bool help; // --help or -h was given
};

// False: a message was printed.
bool args_parse(struct args *args, const char *command, const struct option *options, int argc,
                char **argv);
const char *args_text(const struct args *args, const char *name, const char *fallback);
// One after the other of an option that may be repeated: `*at` starts as 0; NULL at the end.
const char *args_next(const struct args *args, const char *name, size_t *at);
bool args_flag(const struct args *args, const char *name);
// A whole number within bounds; prints a message and clears `*ok` when it is none.
int64_t args_int(const struct args *args, const char *name, int64_t fallback, int64_t min,
                 int64_t max, bool *ok);
// What a command with verbs ("weir topics list") is asked to do. Ends with a NULL name.
struct args_verb {
    const char *name;
    size_t words_min, words_max; // with the verb itself
};
// The place of the verb in the table, the first one when there are no words; that of its end when
// none fits.
int args_verb(const struct args *args, const struct args_verb *verbs);
void args_print_options(const struct option *options);

#endif
