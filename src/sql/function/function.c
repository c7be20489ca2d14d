// SPDX-License-Identifier: Apache-2.0
#include "sql/function/function.h"

#include <string.h>

const struct sql_function *sql_function_find(const char *name)
{
    size_t low = 0;
    size_t high = sql_function_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, sql_functions[middle].name);
        if (order == 0)
            return &sql_functions[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

// One edit away (a byte more, less or other, or two swapped).
static bool near(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    if (*a && *b && a[1] == *b && *a == b[1] && strcmp(a + 2, b + 2) == 0)
        return true;
    return (*a && *b && strcmp(a + 1, b + 1) == 0) || (*a && strcmp(a + 1, b) == 0) ||
           (*b && strcmp(a, b + 1) == 0);
}

const char *sql_function_near(const char *name)
{
    if (strlen(name) < 3)
        return NULL;
    for (size_t i = 0; i < sql_function_count; i++)
        if (near(name, sql_functions[i].name))
            return sql_functions[i].name;
    return NULL;
}
