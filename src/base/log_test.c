// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

static void read_line(int fd, char *line, size_t size)
{
    ssize_t got = read(fd, line, size - 1);
    assert_true(got > 0);
    line[got] = '\0';
}

static void names_of_clients_stay_in_their_line(void **state)
{
    (void)state;
    int ends[2];
    char line[2100];
    assert_int_equal(pipe(ends), 0);
    log_set_fd(ends[1]);
    LOG_WARN("base", "somebody came", "name=%s",
             "a\nb\r\x1b[31m\x7f caf\xc3\xa9 \xff\xc3 \xc2\x9bm \xe2\x82\xac");
    log_set_fd(2);
    read_line(ends[0], line, sizeof line);
    assert_string_equal(strstr(line, "name="), "name=a?b??[31m? caf\xc3\xa9 ?? ??m \xe2\x82\xac\n");
    close(ends[0]);
    close(ends[1]);
}

static void a_long_line_is_cut_and_ends(void **state)
{
    (void)state;
    int ends[2];
    char line[4096], name[3000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(pipe(ends), 0);
    log_set_fd(ends[1]);
    LOG_WARN("base", "somebody came", "name=%s", name);
    log_set_fd(2);
    read_line(ends[0], line, sizeof line);
    assert_true(strlen(line) < 2048);
    assert_string_equal(line + strlen(line) - 3, "xx\n");
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_clients_stay_in_their_line),
        cmocka_unit_test(a_long_line_is_cut_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
