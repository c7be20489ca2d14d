// SPDX-License-Identifier: Apache-2.0
//
// consumer_embedded: what members of the classic protocol say inside JoinGroup and SyncGroup
// (schema/kafka/consumer_protocol.tbl), from and to what a KIP-848 group speaks of.
//
// Thread     with the group's mutex held.
#ifndef BROKER_CONSUMER_EMBEDDED_H
#define BROKER_CONSUMER_EMBEDDED_H

#include "broker/consumer.h"

struct consumer_subscribed {
    int16_t version;
    struct bytes *topics; // in the arena, as the rest
    int32_t topic_count;
    struct bytes rack_id;        // null: not said
    struct consumer_parts owned; // sorted; of topics that exist. The caller's to release
};

// False when the bytes break the format.
MUST_USE bool consumer_subscribed_read(struct consumer_env *env, struct bytes metadata,
                                       struct arena *arena, struct consumer_subscribed *out);
// Adds the partitions, sorted, of topics that exist; no bytes are none. ERR_INCONSISTENT_PROTOCOL:
// broken; ERR_UNSUPPORTED_VERSION: an assignor keeps data of its own in it.
MUST_USE err_t consumer_assignment_read(struct consumer_env *env, struct bytes assignment,
                                        struct consumer_parts *out);
// In the version of the member's subscription. Topics that are gone are left out.
struct bytes consumer_assignment_write(struct consumer_env *env, const struct consumer_parts *parts,
                                       struct bytes metadata, struct arena *arena);

#endif
