// SPDX-License-Identifier: Apache-2.0
//
// project: the folder a user writes: weir.yaml, dags/, streams/, tables/, boards/.
#ifndef APP_PROJECT_H
#define APP_PROJECT_H

#include "app/kafka_config.h"

struct project {
    struct config config;
    struct kafka_config kafka;
    const char *dags_dir;
    const char *streams_dir;
    const char *tables_dir;
    const char *boards_dir;
};

// Reads the settings. ERR_NOT_FOUND when `dir` is no folder. Release in any case.
MUST_USE err_t project_load(struct project *project, const char *dir, const char *const *sets,
                            struct problems *problems, struct diag *diag);
// Everything that can be known from the files without running anything.
void project_check(const struct project *project, struct problems *problems);
void project_release(struct project *project);

#endif
