// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include <assert.h>

const struct err_info *err_info(err_t err)
{
    assert((unsigned)err < (unsigned)ERR_COUNT);
    return &err_infos[err];
}

const char *err_name(err_t err)
{
    return err_info(err)->name;
}
