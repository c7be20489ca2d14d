// SPDX-License-Identifier: Apache-2.0
//
// vfork and exec: the child borrows our memory until exec, so a large weir spawns as fast as a
// small one. Between the two only plain system calls happen. A pidfd tells the end of the child, an
// eventfd carries the cancellation, a pipe the output; process_wait() polls all three. Output of
// grandchildren that outlive the child is dropped.
#include "os/process.h"

#include "base/mem.h"
#include "base/vec.h"
#include "os/file.h"
#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK "WEIR_PROCESS="

enum { OUTPUT_TURNS = 64 }; // of 16 KiB: pipe-max-size

struct process {
    pid_t pid;
    int64_t token;
    int pidfd, cancel_fd, output_fd;
    bool ended;
    struct process_exit exit;
    void (*output)(struct bytes bytes, void *ctx);
    void *ctx;
};

struct launch {
    const char *path;
    char **argv;
    char **envp;
    const char *cwd;
    int output_fd;
    sigset_t mask; // what the child starts with
    int error;     // errno of the step that failed
    bool in_cwd;
};

static int64_t mono_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// In the child, on our memory: system calls only.
static _Noreturn void become(struct launch *launch)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(launch->output_fd, 1);
    dup2(launch->output_fd, 2);
    syscall(SYS_close_range, 3u, ~0u, 0u);
    for (int sig = 1; sig < 32; sig++)
        if (sig != SIGKILL && sig != SIGSTOP)
            signal(sig, SIG_DFL);
    sigprocmask(SIG_SETMASK, &launch->mask, NULL);
    launch->in_cwd = true;
    if (!launch->cwd || chdir(launch->cwd) == 0) {
        launch->in_cwd = false;
        execve(launch->path, launch->argv, launch->envp);
    }
    launch->error = errno;
    _exit(127);
}

static pid_t launch_child(struct launch *launch)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL); // no handler may run in the child
    // posix_spawn can neither set a death signal nor close all descriptors.
    pid_t pid = vfork(); // NOLINT(clang-analyzer-security.insecureAPI.vfork)
    if (pid == 0)
        become(launch); // NOLINT(clang-analyzer-unix.Vfork): it makes system calls only
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &launch->mask, NULL);
    errno = error;
    return pid;
}

static char *find_program(const char *name)
{
    if (strchr(name, '/'))
        return mem_strdup(name);
    const char *path = getenv("PATH");
    for (const char *at = path ? path : "/usr/local/bin:/usr/bin:/bin"; *at;) {
        size_t size = strcspn(at, ":");
        char *candidate = mem_printf("%.*s/%s", (int)size, at, name);
        if (size && access(candidate, X_OK) == 0)
            return candidate;
        mem_free(candidate);
        at += size + (at[size] == ':');
    }
    return NULL;
}

static bool names_same(const char *a, const char *b)
{
    size_t size = strcspn(a, "=");
    return strncmp(a, b, size + 1) == 0;
}

struct environment {
    VEC(char *) all;
};

// Ours first, unless an addition has the same name.
static char **make_environment(struct environment *out, const struct process_options *options,
                               char *mark)
{
    const char *const *added = options->environment;
    size_t added_count = 0;
    while (added && added[added_count])
        added_count++;
    for (char **ours = environ; *ours; ours++) {
        bool keep = !options->environment_only || strncmp(*ours, "PATH=", 5) == 0;
        keep = keep && strncmp(*ours, MARK, strlen(MARK)) != 0;
        for (size_t i = 0; keep && i < added_count; i++)
            keep = !names_same(added[i], *ours);
        if (keep)
            vec_push(&out->all, *ours);
    }
    for (size_t i = 0; i < added_count; i++)
        vec_push(&out->all, (char *)(uintptr_t)added[i]);
    vec_push(&out->all, mark);
    vec_push(&out->all, NULL);
    return out->all.items;
}

static err_t start(struct process *process, struct launch *launch, struct diag *diag)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return FAIL(diag, ERR_IO, "cannot make a pipe: %s", strerror(errno));
    fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
    process->output_fd = pipe_fds[0];
    launch->output_fd = pipe_fds[1];
    pthread_sigmask(SIG_SETMASK, NULL, &launch->mask);
    sigset_t caller = launch->mask, none;
    sigemptyset(&none);
    launch->mask = none; // the child takes every signal
    pid_t pid = launch_child(launch);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &caller, NULL);
    close(pipe_fds[1]);
    if (pid < 0)
        return FAIL(diag, ERR_IO, "cannot start %s: %s", launch->path, strerror(error));
    if (launch->error) {
        waitpid(pid, NULL, 0);
        return FAIL(diag, launch->error == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot %s %s: %s",
                    launch->in_cwd ? "enter folder" : "start",
                    launch->in_cwd ? launch->cwd : launch->path, strerror(launch->error));
    }
    process->pid = pid;
    process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    process->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (process->pidfd < 0 || process->cancel_fd < 0)
        return FAIL(diag, ERR_IO, "cannot watch %s: %s", launch->path, strerror(errno));
    return ERR_OK;
}

err_t process_spawn(struct process **out, const struct process_options *options, struct diag *diag)
{
    char *path = find_program(options->argv[0]);
    if (!path)
        return FAIL(diag, ERR_NOT_FOUND, "program '%s' is not in PATH", options->argv[0]);
    struct environment environment = {0};
    struct process *process = MEM_NEW(struct process);
    *process = (struct process){.pidfd = -1,
                                .cancel_fd = -1,
                                .output_fd = -1,
                                .output = options->output,
                                .ctx = options->ctx};
    process->token = (int64_t)(random_u64() >> 1 | 1);
    char mark[48];
    snprintf(mark, sizeof mark, MARK "%016llx", (unsigned long long)process->token);
    struct launch launch = {
        .path = path,
        .argv = (char **)(uintptr_t)options->argv,
        .envp = make_environment(&environment, options, mark),
        .cwd = options->cwd,
    };
    err_t err = start(process, &launch, diag);
    vec_release(&environment.all);
    mem_free(path);
    if (err != ERR_OK) {
        process_close(process);
        return err;
    }
    *out = process;
    return ERR_OK;
}

// What waits, but no more than the largest pipe holds: a program that never stops talking must not
// keep us from its deadline. False at the end of the output.
static bool pass_output(struct process *process)
{
    uint8_t bytes[16384];
    ssize_t got = 0;
    for (int turn = 0; turn < OUTPUT_TURNS; turn++) {
        got = read(process->output_fd, bytes, sizeof bytes);
        if (got <= 0)
            return got < 0 && (errno == EAGAIN || errno == EINTR);
        if (process->output)
            process->output(bytes_make(bytes, (size_t)got), process->ctx);
    }
    return true;
}

static void reap(struct process *process)
{
    int status = 0;
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    process->ended = true;
    process->exit.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    process->exit.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (process->output_fd >= 0)
        pass_output(process);
}

err_t process_wait(struct process *process, int64_t timeout_ms, struct process_exit *out,
                   struct diag *diag)
{
    int64_t until = timeout_ms > 0 ? mono_ms() + timeout_ms : INT64_MAX;
    while (!process->ended) {
        int64_t left = until - mono_ms();
        if (left <= 0)
            return FAIL(diag, ERR_TIMEOUT, "still runs after %lld s",
                        (long long)(timeout_ms / 1000));
        struct pollfd fds[] = {
            {.fd = process->pidfd, .events = POLLIN},
            {.fd = process->cancel_fd, .events = POLLIN},
            {.fd = process->output_fd, .events = POLLIN},
        };
        int wait_ms = left > 1000000 ? -1 : (int)left;
        if (left > 1000000 && until != INT64_MAX)
            wait_ms = 1000000;
        if (poll(fds, 3, wait_ms) < 0 && errno != EINTR)
            return FAIL(diag, ERR_IO, "poll: %s", strerror(errno));
        if (fds[2].revents && !pass_output(process)) {
            close(process->output_fd);
            process->output_fd = -1;
        }
        if (fds[0].revents)
            reap(process);
        else if (fds[1].revents)
            return FAIL(diag, ERR_CANCELLED, "cancelled");
    }
    *out = process->exit;
    return ERR_OK;
}

void process_cancel(struct process *process)
{
    uint64_t one = 1;
    while (write(process->cancel_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

void process_stop(struct process *process, int64_t grace_ms)
{
    struct process_exit ignored;
    uint64_t count;
    if (process->ended)
        return;
    while (read(process->cancel_fd, &count, sizeof count) < 0 && errno == EINTR)
        continue;
    kill(-process->pid, SIGTERM);
    if (grace_ms > 0 && process_wait(process, grace_ms, &ignored, NULL) == ERR_OK) {
        kill(-process->pid, SIGKILL); // what it left behind; an empty group is no error
        return;
    }
    kill(-process->pid, SIGKILL);
    reap(process);
}

void process_close(struct process *process)
{
    if (!process)
        return;
    if (process->pid > 0)
        process_stop(process, 0);
    file_close(process->pidfd);
    file_close(process->cancel_fd);
    file_close(process->output_fd);
    mem_free(process);
}

int64_t process_pid(const struct process *process)
{
    return process->pid;
}

int64_t process_token(const struct process *process)
{
    return process->token;
}

bool process_exists(int64_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    const char *name_end = strrchr(text, ')'); // the name in parentheses may hold anything
    return name_end && name_end[1] == ' ' && name_end[2] != 'Z';
}

struct search {
    char mark[48];
    pid_t group;
    bool found;
};

static err_t look_at(const char *name, bool is_dir, void *ctx)
{
    struct search *search = ctx;
    char path[64], environment[65536];
    pid_t pid = (pid_t)strtol(name, NULL, 10);
    if (!is_dir || pid <= 1 || getpgid(pid) != search->group)
        return ERR_OK;
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_OK;
    ssize_t got = read(fd, environment, sizeof environment);
    close(fd);
    if (got > 0 && memmem(environment, (size_t)got, search->mark, strlen(search->mark)))
        search->found = true;
    return ERR_OK;
}

bool process_kill_leftover(int64_t pid, int64_t token)
{
    struct search search = {.group = (pid_t)pid};
    if (pid <= 1 || token == 0 || getpgid(0) == search.group)
        return false;
    snprintf(search.mark, sizeof search.mark, MARK "%016llx", (unsigned long long)token);
    if (dir_each("/proc", look_at, &search, NULL) != ERR_OK || !search.found)
        return false;
    return kill((pid_t)-pid, SIGKILL) == 0;
}
