// SPDX-License-Identifier: Apache-2.0
//
// Any text is either refused with words or gives a cron whose ticks go strictly forward and back
// again.
#include "os/file.h"
#include "scheduler/cron.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define CORPUS    "tests/corpus/cron"
#define MUTATIONS 400

static uint64_t seed = 0x9E3779B97F4A7C15u;

static uint32_t random_below(uint32_t bound)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % bound;
}

static void check(const char *text)
{
    struct cron cron;
    struct diag diag = DIAG_INIT;
    if (cron_parse(&cron, text, &diag) != ERR_OK) {
        assert(diag.text[0]);
        return;
    }
    int64_t at = INT64_C(1700000000123456) + random_below(1000000) * INT64_C(1000000), next, back;
    if (!cron_next(&cron, at, &next))
        return;
    assert(next > at);
    assert(cron_prev(&cron, next + 1, &back) && back == next);
    if (cron_prev(&cron, at, &back))
        assert(back < at && cron_next(&cron, back, &next) && next >= at);
}

static void mutate(char *text, size_t size)
{
    static const char letters[] = "0123456789*,-/#?LhrMONFRIjan \t@";
    for (uint32_t i = 0, count = 1 + random_below(4); i < count && size; i++)
        text[random_below((uint32_t)size)] = letters[random_below(sizeof letters - 1)];
}

static err_t replay(const char *name, bool is_dir, void *ctx)
{
    (void)ctx;
    struct str path = {0}, text = {0};
    struct diag diag = DIAG_INIT;
    str_printf(&path, CORPUS "/%s", name);
    err_t err = is_dir ? ERR_OK : file_read_all(str_text(&path), 4096, &text, &diag);
    for (char *line = text.ptr, *end; err == ERR_OK && line && *line; line = end + 1) {
        end = strchr(line, '\n');
        if (!end)
            break;
        char copy[256];
        snprintf(copy, sizeof copy, "%.*s", (int)(end - line), line);
        check(copy);
        for (int i = 0; i < MUTATIONS; i++) {
            snprintf(copy, sizeof copy, "%.*s", (int)(end - line), line);
            mutate(copy, strlen(copy));
            check(copy);
        }
    }
    str_release(&path);
    str_release(&text);
    return err;
}

int main(void)
{
    struct diag diag = DIAG_INIT;
    if (dir_each(CORPUS, replay, NULL, &diag) != ERR_OK) {
        printf("%s\n", diag_text(&diag));
        return 1;
    }
    return 0;
}
