// SPDX-License-Identifier: Apache-2.0
#include "app/project.h"

#include "console/board.h"
#include "os/file.h"
#include "scheduler/scheduler.h"
#include "streams/streams.h"
#include "tables/folder.h"

err_t project_load(struct project *project, const char *dir, const char *const *sets,
                   struct problems *problems, struct diag *diag)
{
    config_load(&project->config, dir, sets, problems);
    kafka_config_read(&project->kafka, &project->config, problems);
    struct arena *arena = &project->config.arena;
    project->dags_dir = arena_printf(arena, "%s/dags", dir);
    project->streams_dir = arena_printf(arena, "%s/streams", dir);
    project->tables_dir = arena_printf(arena, "%s/tables", dir);
    project->boards_dir = arena_printf(arena, "%s/boards", dir);
    if (!file_exists(dir))
        return FAIL(diag, ERR_NOT_FOUND, "there is no folder %s", dir);
    return ERR_OK;
}

void project_check(const struct project *project, struct problems *problems)
{
    folder_check(project->tables_dir, problems);
    scheduler_check(project->dags_dir, problems);
    streams_check(project->streams_dir, problems);
    boards_check(project->boards_dir, problems);
}

void project_release(struct project *project)
{
    config_release(&project->config);
}
