// SPDX-License-Identifier: Apache-2.0
//
// config_change: changing settings of topics, for AlterConfigs and IncrementalAlterConfigs.
#ifndef BROKER_CONFIG_CHANGE_H
#define BROKER_CONFIG_CHANGE_H

#include "broker/broker_int.h"

enum config_operation { CONFIG_SET = 0, CONFIG_DELETE = 1, CONFIG_APPEND = 2, CONFIG_SUBTRACT = 3 };

struct config_change {
    struct bytes name;
    struct bytes value;
    int8_t operation;
};

// With `replace`, settings the changes do not name go back to their defaults. BLOCKS
MUST_USE err_t config_change_apply(struct request *request, int8_t resource_type,
                                   struct bytes resource, const struct config_change *changes,
                                   size_t count, bool replace, bool validate_only,
                                   struct diag *diag);

#endif
