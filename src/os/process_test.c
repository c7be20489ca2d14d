// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/process.h"
#include "os/thread.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void take(struct bytes bytes, void *ctx)
{
    str_append_bytes(ctx, bytes);
}

static struct process *spawn_sh(const char *script, const char *cwd, struct str *output)
{
    const char *argv[] = {"sh", "-c", script, NULL}, *environment[] = {"WORD=hello", NULL};
    struct process_options options = {
        .argv = argv, .environment = environment, .cwd = cwd, .output = take, .ctx = output};
    struct process *process = NULL;
    struct diag diag = DIAG_INIT;
    if (process_spawn(&process, &options, &diag) != ERR_OK)
        fail_msg("%s", diag_text(&diag));
    return process;
}

static void output_exit_code_environment_and_folder_arrive(void **state)
{
    (void)state;
    struct str output = {0};
    struct process_exit exit;
    struct process *process = spawn_sh("echo $WORD; pwd >&2; cat; exit 7", "/tmp", &output);
    assert_int_equal(process_wait(process, 0, &exit, NULL), ERR_OK);
    assert_int_equal(exit.code, 7);
    assert_int_equal(exit.signal, 0);
    assert_string_equal(str_text(&output), "hello\n/tmp\n");
    process_close(process);
    str_release(&output);
}

static void much_output_does_not_block(void **state)
{
    (void)state;
    struct str output = {0};
    struct process_exit exit;
    struct process *process = spawn_sh("head -c 1000000 /dev/zero", NULL, &output);
    assert_int_equal(process_wait(process, 60000, &exit, NULL), ERR_OK);
    assert_int_equal(output.size, 1000000);
    process_close(process);
    str_release(&output);
}

struct slow_reader {
    struct process *process;
    int64_t until_us;
    bool late;
};

// Slower than the program writes, so there is always more.
static void take_slowly(struct bytes bytes, void *ctx)
{
    struct slow_reader *reader = ctx;
    (void)bytes;
    clock_sleep_us(200);
    if (!reader->late && clock_mono_us() > reader->until_us) {
        reader->late = true;
        kill((pid_t)process_pid(reader->process), SIGKILL);
    }
}

static void a_program_that_never_stops_talking_meets_its_timeout(void **state)
{
    (void)state;
    const char *argv[] = {"yes", NULL};
    struct slow_reader reader = {.until_us = clock_mono_us() + 60000000};
    struct process_options options = {.argv = argv, .output = take_slowly, .ctx = &reader};
    struct process_exit exit;
    assert_int_equal(process_spawn(&reader.process, &options, NULL), ERR_OK);
    assert_int_equal(process_wait(reader.process, 100, &exit, NULL), ERR_TIMEOUT);
    process_close(reader.process);
    assert_false(reader.late);
}

static void a_timeout_leaves_it_running_and_stop_ends_the_group(void **state)
{
    (void)state;
    struct str output = {0};
    struct process_exit exit;
    struct diag diag = DIAG_INIT;
    struct process *process =
        spawn_sh("trap '' TERM; sleep 100 & echo $!; wait; sleep 100", NULL, &output);
    int64_t until_us = clock_mono_us() + 60000000;
    do
        assert_int_equal(process_wait(process, 200, &exit, &diag), ERR_TIMEOUT);
    while (!strchr(str_text(&output), '\n') && clock_mono_us() < until_us);
    int64_t pid = process_pid(process), child = strtoll(str_text(&output), NULL, 10);
    assert_true(process_exists(pid) && process_exists(child));
    process_stop(process, 100);
    assert_int_equal(process_wait(process, 0, &exit, NULL), ERR_OK);
    assert_int_equal(exit.signal, SIGKILL);
    assert_false(process_exists(pid));
    process_close(process);
    str_release(&output);
}

static void cancel(void *ctx)
{
    process_cancel(ctx);
}

static void another_thread_cancels_a_wait(void **state)
{
    (void)state;
    struct str output = {0};
    struct process_exit exit;
    struct thread thread;
    struct process *process = spawn_sh("sleep 100", NULL, &output);
    thread_start(&thread, "cancel", cancel, process);
    assert_int_equal(process_wait(process, 0, &exit, NULL), ERR_CANCELLED);
    thread_join(&thread);
    process_stop(process, 60000);
    assert_int_equal(process_wait(process, 0, &exit, NULL), ERR_OK);
    assert_int_equal(exit.signal, SIGTERM);
    process_close(process);
    str_release(&output);
}

static void a_missing_program_or_folder_is_named(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    print_message(
        "ThreadSanitizer makes a fork of vfork, whose child cannot say what went wrong\n");
    skip();
#endif
    struct process *process;
    struct diag diag = DIAG_INIT;
    const char *argv[] = {"no-such-program-here", NULL};
    struct process_options options = {.argv = argv};
    assert_int_equal(process_spawn(&process, &options, &diag), ERR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "no-such-program-here"));
    const char *sh[] = {"sh", "-c", "true", NULL};
    options = (struct process_options){.argv = sh, .cwd = "/no/such/folder"};
    diag_clear(&diag);
    assert_int_equal(process_spawn(&process, &options, &diag), ERR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "/no/such/folder"));
}

static void a_leftover_group_is_killed_only_by_its_token(void **state)
{
    (void)state;
    struct str output = {0};
    struct process_exit exit;
    // Its child does not become another program: in between it would have no environment to show.
    struct process *process =
        spawn_sh("(while :; do sleep 100; done) & echo; kill -9 $$", NULL, &output);
    int64_t pid = process_pid(process), token = process_token(process);
    assert_int_equal(process_wait(process, 0, &exit, NULL), ERR_OK);
    assert_int_equal(exit.signal, SIGKILL); // the leader is gone, its child is not
    assert_false(process_kill_leftover(pid, token + 1));
    assert_true(process_kill_leftover(pid, token));
    int64_t until_us = clock_mono_us() + 60000000;
    while (process_kill_leftover(pid, token) && clock_mono_us() < until_us)
        clock_sleep_us(1000);
    assert_false(process_kill_leftover(pid, token));
    process_close(process);
    str_release(&output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_exit_code_environment_and_folder_arrive),
        cmocka_unit_test(much_output_does_not_block),
        cmocka_unit_test(a_timeout_leaves_it_running_and_stop_ends_the_group),
        cmocka_unit_test(a_program_that_never_stops_talking_meets_its_timeout),
        cmocka_unit_test(another_thread_cancels_a_wait),
        cmocka_unit_test(a_missing_program_or_folder_is_named),
        cmocka_unit_test(a_leftover_group_is_killed_only_by_its_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
