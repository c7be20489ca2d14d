// SPDX-License-Identifier: Apache-2.0
//
// asset: the files of the console's pages, built from web/ and embedded gzipped
// (tools/gen_assets.c makes console/assets.c).
#ifndef CONSOLE_ASSET_H
#define CONSOLE_ASSET_H

#include <stddef.h>
#include <stdint.h>

struct asset {
    const char *path; // "/app.js"
    const char *content_type;
    const uint8_t *gzip;
    size_t gzip_size;
    const char *etag; // quoted
};

extern const struct asset asset_list[]; // ends with a NULL path

const struct asset *asset_find(const char *path); // NULL when there is none

#endif
