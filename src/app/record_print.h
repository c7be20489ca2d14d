// SPDX-License-Identifier: Apache-2.0
//
// record_print: records as text: a format as kcat's, or JSON.
#ifndef APP_RECORD_PRINT_H
#define APP_RECORD_PRINT_H

#include "base/str.h"

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

// %t topic, %p partition, %o offset, %k key, %s value, %K and %S their sizes (-1 = null), %T
// timestamp (ms), %h headers, %% a percent sign; \n \t \r \0 \\ \xHH.
// The place of the first mistake, or NULL.
const char *record_format_check(const char *format);
void record_print_format(struct str *out, const char *format, const rd_kafka_message_t *message);
// {"partition", "offset", "timestamp", "key", "value", "headers"}; bytes that are no text come as
// "key_base64", "value_base64".
void record_print_json(struct str *out, const rd_kafka_message_t *message);

#endif
