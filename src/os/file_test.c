// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/weir-file-XXXXXX";
static char lock_path[64];

// A process that holds the lock, and a child of it that has not got to its exec yet for `child_us`
// (0: no child). Returns when the lock is held.
static pid_t spawn_holder(int64_t child_us)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int lock;
        if (file_lock(&lock, lock_path, NULL) != ERR_OK)
            _exit(1);
        if (child_us > 0 && fork() == 0) {
            clock_sleep_us(child_us);
            _exit(0);
        }
        if (write(ready[1], "", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    close(ready[1]);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void kill_holder(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_lock_has_one_holder_and_names_it(void **state)
{
    (void)state;
    pid_t holder = spawn_holder(0);
    int lock;
    struct diag diag = DIAG_INIT;
    assert_int_equal(file_lock(&lock, lock_path, &diag), ERR_LOCKED);
    char *expected = mem_printf("%s is held by another weir, pid %ld", lock_path, (long)holder);
    assert_string_equal(diag_text(&diag), expected);
    mem_free(expected);
    kill_holder(holder);
    assert_int_equal(file_lock(&lock, lock_path, NULL), ERR_OK);
    file_close(lock);
}

static void the_lock_of_a_killed_process_is_free_when_its_newest_child_lets_go(void **state)
{
    (void)state;
    kill_holder(spawn_holder(200000));
    int lock;
    assert_int_equal(file_lock(&lock, lock_path, NULL), ERR_OK);
    file_close(lock);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(lock_path, sizeof lock_path, "%s/lock", folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_has_one_holder_and_names_it),
        cmocka_unit_test(the_lock_of_a_killed_process_is_free_when_its_newest_child_lets_go),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (dir_remove(folder, NULL) != ERR_OK)
        return 1;
    return failed;
}
