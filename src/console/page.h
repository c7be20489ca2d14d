// SPDX-License-Identifier: Apache-2.0
//
// page: the console's one HTML page with what it shows at first paint inside it, so that it needs
// no second request before the event stream.
#ifndef CONSOLE_PAGE_H
#define CONSOLE_PAGE_H

#include "base/diag.h"
#include "base/str.h"

// The page with `state` (JSON) in place of its marker, gzipped. Pure.
MUST_USE err_t page_write(struct str *out, struct bytes state, struct diag *diag);

#endif
