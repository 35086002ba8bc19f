/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

#include "resilient-http2-frames-private.h"
#include "resilient-pace-private.h"

G_BEGIN_DECLS

/* What libsoup reads of a connection of HTTP/2: the frames that are in order, and not more of them
 * in one turn of the main context than leaves the others theirs. */
#define RESILIENT_TYPE_HTTP2_INPUT (resilient_http2_input_get_type ())

G_DECLARE_FINAL_TYPE (ResilientHttp2Input,
                      resilient_http2_input,
                      RESILIENT,
                      HTTP2_INPUT,
                      GInputStream)

/* From inside the last event of a connection that is being made, @stream over @socket, before
 * libsoup reads it in the thread-default context, which it does with @io_priority from then on, and
 * gives way by @pace (nullable). Puts itself in between, or stays of no use where libsoup is built
 * otherwise. */
ResilientHttp2Input *resilient_http2_input_new (GIOStream *stream,
                                                GSocket *socket,
                                                int io_priority,
                                                ResilientPace *pace);
ResilientHttp2Frames *resilient_http2_input_get_frames (ResilientHttp2Input *self);
/* Libsoup gave the connection up without a word: requests that wait for it do so for ever. */
gboolean resilient_http2_input_is_deserted (ResilientHttp2Input *self);

G_END_DECLS
