// SPDX-License-Identifier: Apache-2.0
//
// Kafka's loggers are those of its Java classes. weir has one, named root as Kafka's first, whose
// level is that of the whole program, until it is started again.
#include "broker/config_change.h"

#include "base/log.h"

static const struct {
    const char *name;
    enum log_level level;
} levels[] = {
    {"DEBUG", LOG_LEVEL_DEBUG}, {"INFO", LOG_LEVEL_INFO},   {"WARN", LOG_LEVEL_WARN},
    {"ERROR", LOG_LEVEL_ERROR}, {"TRACE", LOG_LEVEL_DEBUG}, {"FATAL", LOG_LEVEL_ERROR},
};
enum { LEVELS = sizeof levels / sizeof *levels };

const char *config_logger_level(void)
{
    for (size_t i = 0; i < LEVELS; i++)
        if (levels[i].level == log_get_level())
            return levels[i].name;
    return "INFO";
}

static int level_of(struct bytes name)
{
    for (int i = 0; i < LEVELS; i++)
        if (bytes_is(name, levels[i].name))
            return i;
    return -1;
}

static err_t check(const struct config_change *change, struct diag *diag)
{
    static const char *const operations[] = {"SET", "DELETE", "APPEND", "SUBTRACT"};
    if (change->operation != CONFIG_SET && change->operation != CONFIG_DELETE)
        return change->operation == CONFIG_APPEND || change->operation == CONFIG_SUBTRACT
                   ? FAIL(diag, ERR_INVALID,
                          "%s operation is not allowed for the BROKER_LOGGER resource",
                          operations[change->operation])
                   : FAIL(diag, ERR_INVALID,
                          "Unknown operation type %d is not allowed for the BROKER_LOGGER resource",
                          change->operation);
    if (!bytes_is(change->name, "root"))
        return FAIL(diag, ERR_CONFIG, "Logger %.*s does not exist! (weir has one: root)",
                    BYTES_PRINT(change->name));
    if (change->operation == CONFIG_DELETE)
        return FAIL(diag, ERR_INVALID, "Removing the log level of the root logger is not allowed");
    if (level_of(change->value) < 0)
        return FAIL(diag, ERR_CONFIG,
                    "Cannot set the log level of %.*s to %.*s as it is not a supported log level. "
                    "Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN",
                    BYTES_PRINT(change->name), BYTES_PRINT(change->value));
    return ERR_OK;
}

err_t config_logger_change(const struct config_request *asked, struct diag *diag)
{
    if (asked->replace)
        return FAIL(diag, ERR_INVALID, "Unknown resource type %d", asked->type);
    for (size_t i = 0; i < asked->count; i++)
        TRY(check(&asked->changes[i], diag));
    for (size_t i = 0; i < asked->count && !asked->validate_only; i++) {
        log_set_level(levels[level_of(asked->changes[i].value)].level);
        LOG_INFO("broker", "the log level was changed", "level=%s", config_logger_level());
    }
    return ERR_OK;
}
