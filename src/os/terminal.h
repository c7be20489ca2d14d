// SPDX-License-Identifier: Apache-2.0
//
// terminal: what a person in front of it can see and be asked.
#ifndef OS_TERMINAL_H
#define OS_TERMINAL_H

#include "base/diag.h"

#include <stddef.h>

// Columns of the terminal that stdout goes to; 0: it goes elsewhere.
size_t terminal_columns(void);
// Asks on the terminal, whatever stdin and stdout are, without showing what is typed. In static
// memory. ERR_INVALID when there is none. BLOCKS
MUST_USE err_t terminal_password(const char *prompt, const char **out, struct diag *diag);

#endif
