// SPDX-License-Identifier: Apache-2.0
//
// stream: one running query and its thread. How a batch runs stands at the top of stream.c.
#ifndef STREAMS_STREAM_H
#define STREAMS_STREAM_H

#include "streams/spec.h"
#include "streams/streams.h"

struct stream;

// Starts the thread. The spec and the options outlive the stream.
struct stream *stream_start(const struct spec *spec, const struct streams_options *options);
// Asks it to end; stream_free() waits until the batch that runs is committed.
void stream_stop(struct stream *stream);
void stream_free(struct stream *stream);

const char *stream_name(const struct stream *stream);
void stream_write(struct stream *stream, struct str *json); // as in stream_port.streams
void stream_write_progress(struct stream *stream, size_t limit, struct str *json);

#endif
