// SPDX-License-Identifier: Apache-2.0
//
// bind_rules: the functions the catalogue names with ':' (see schema/sql/functions.tbl).
#ifndef SQL_BIND_BIND_RULES_H
#define SQL_BIND_BIND_RULES_H

#include "sql/bind/bind_int.h"
#include "sql/function_rules.h" // generated: declares every bind_…

#endif
