// SPDX-License-Identifier: Apache-2.0
//
// The page is embedded gzipped (web/ inlines its script and style). It is unpacked per request, the
// state goes where the marker stands, and the whole is packed again: some milliseconds, no memory
// kept.

#include "console/page.h"

#include "console/asset.h"

#include <zlib.h>

#define MARKER     "__WEIR_STATE__"
#define CHUNK      65536
#define GZIP_BITS  (15 + 16)
#define PAGE_LEVEL 5

static bool unpack(struct str *out, const struct asset *asset)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)asset->gzip,
                       .avail_in = (uInt)asset->gzip_size};
    if (inflateInit2(&stream, GZIP_BITS) != Z_OK)
        return false;
    int result = Z_OK;
    while (result == Z_OK) {
        str_reserve(out, CHUNK);
        stream.next_out = (Bytef *)out->ptr + out->size;
        stream.avail_out = CHUNK;
        result = inflate(&stream, Z_NO_FLUSH);
        out->size += CHUNK - stream.avail_out;
    }
    inflateEnd(&stream);
    return result == Z_STREAM_END;
}

static bool pack(struct str *out, struct bytes page)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)page.ptr, .avail_in = (uInt)page.size};
    if (deflateInit2(&stream, PAGE_LEVEL, Z_DEFLATED, GZIP_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t room = deflateBound(&stream, page.size);
    str_reserve(out, room);
    stream.next_out = (Bytef *)out->ptr + out->size;
    stream.avail_out = (uInt)room;
    int result = deflate(&stream, Z_FINISH);
    out->size += room - stream.avail_out;
    deflateEnd(&stream);
    return result == Z_STREAM_END;
}

// JSON inside a script element must not close it.
static void append_state(struct str *out, struct bytes state)
{
    size_t from = 0;
    for (size_t at = 0; at + 1 < state.size; at++) {
        if (state.ptr[at] != '<' || state.ptr[at + 1] != '/')
            continue;
        str_append(out, state.ptr + from, at + 1 - from);
        str_append_byte(out, '\\');
        from = at + 1;
    }
    str_append(out, state.ptr + from, state.size - from);
}

err_t page_write(struct str *out, struct bytes state, struct diag *diag)
{
    const struct asset *asset = asset_find("/index.html");
    struct str template = {0}, page = {0};
    bool fine = asset && unpack(&template, asset);
    const char *marker = NULL;
    if (fine) {
        str_append(&template, "", 1); // a NUL inside the size, so that strstr stays in it
        marker = strstr(template.ptr, MARKER);
    }
    if (marker) {
        size_t before = (size_t)(marker - template.ptr);
        size_t after = before + strlen(MARKER);
        str_append(&page, template.ptr, before);
        append_state(&page, state);
        str_append(&page, template.ptr + after, template.size - 1 - after);
        fine = pack(out, str_bytes(&page));
    }
    str_release(&template);
    str_release(&page);
    if (!fine || !marker)
        return FAIL(diag, ERR_INTERNAL, "the embedded page is damaged");
    return ERR_OK;
}
