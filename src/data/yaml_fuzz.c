// SPDX-License-Identifier: Apache-2.0
#include "data/yaml.h"

#include "data/fuzz_corpus.h"

static void run(struct bytes text)
{
    static const char *const known[] = {"dag_id", "tasks", NULL};
    struct arena arena = ARENA_INIT;
    struct problems problems = {0};
    struct yaml_source source = {"fuzz.yaml", &problems};
    struct yaml *root = yaml_parse(&arena, &source, text);
    struct str json = {0};
    if (root) {
        yaml_json(&json, root);
        yaml_known(&source, root, known);
        yaml_duration_ms(&source, root, "schedule", 0);
        yaml_int(&source, root, "retries", 0, 0, 10);
    }
    str_release(&json);
    problems_release(&problems);
    arena_release(&arena);
}

int main(void)
{
    return fuzz_run("yaml", 3000, run);
}
