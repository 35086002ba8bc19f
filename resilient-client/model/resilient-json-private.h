/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* JSON in and out, as strict as RFC 8259 and within a depth that no body can overflow the stack
 * with. Any thread. */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Deeper JSON than this is an attack, or a mistake: json-glib recurses, and a body of brackets
 * would overflow the stack. RFC 8259, 9 allows a limit. */
#define RESILIENT_JSON_MAX_DEPTH 512

/* Parses @text, valid UTF-8 that ends with a NUL at @length, as JSON and nothing else (RFC 8259).
 * Transfer full, or NULL with @error of the domain JSON_PARSER_ERROR, which says where. */
JsonNode *resilient_json_parse (const char *text, gsize length, GError **error);

/* @node as JSON that any parser takes. NULL with INVALID_REQUEST for what JSON can't say: numbers
 * that are not finite, texts that are not UTF-8, more than RESILIENT_JSON_MAX_DEPTH levels. */
char *resilient_json_write (JsonNode *node, GError **error);

G_END_DECLS
