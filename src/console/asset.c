// SPDX-License-Identifier: Apache-2.0
#include "console/asset.h"

#include <string.h>

const struct asset *asset_find(const char *path)
{
    for (const struct asset *asset = asset_list; asset->path; asset++)
        if (strcmp(asset->path, path) == 0)
            return asset;
    return NULL;
}
