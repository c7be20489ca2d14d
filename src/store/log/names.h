// SPDX-License-Identifier: Apache-2.0
//
// names: the names in the store's own folder and in those of the partitions, made durable.
//
// A sync of a folder that failed is as final as that of a file: nobody knows which of the names
// made, renamed or removed before are on disk, and a later sync that succeeds proves nothing. For a
// partition's folder the partition ends as with any other failed sync (partition__fail). For the
// store's own everything that needs a name there is refused until the next start: topics made,
// altered and deleted, first appends, checkpoints, blocks of producer ids.
//
// Thread     any. Syncs of folders wait for each other, so that one which fails is known of before
//            the next one succeeds. BLOCKS
#ifndef STORE_LOG_NAMES_H
#define STORE_LOG_NAMES_H

#include "store/log/log_int.h"

MUST_USE err_t names_sync(struct log_store *store, struct diag *diag);
// ERR_IO when a sync failed before.
MUST_USE err_t names_check(struct log_store *store, struct diag *diag);
// Writes `name` anew, as a whole and durably. Where it fails and names_check() still holds, the
// old one is there; else either may be.
MUST_USE err_t names_replace(struct log_store *store, const char *name, struct bytes bytes,
                             struct diag *diag);

MUST_USE err_t partition__sync_names(struct partition *partition, struct diag *diag);
// Those of many, side by side: partition__names_sound() tells which of them are on disk. On the
// writer thread.
void partition__sync_all_names(struct log_store *store, struct partition *const *partitions,
                               size_t count);
MUST_USE err_t partition__replace(struct partition *partition, const char *name, struct bytes bytes,
                                  struct diag *diag);
// May files be made, renamed and removed in it?
bool partition__names_sound(struct partition *partition);

#endif
