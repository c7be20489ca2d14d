// SPDX-License-Identifier: Apache-2.0
#include "os/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

size_t terminal_columns(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

err_t terminal_password(const char *prompt, const char **out, struct diag *diag)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return FAIL(diag, ERR_INVALID, "there is no terminal to ask for a password on");
    close(fd);
    *out = getpass(prompt); // opens it itself
    return *out ? ERR_OK : FAIL(diag, ERR_INVALID, "no password was given");
}
