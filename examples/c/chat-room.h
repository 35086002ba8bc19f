/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>

/* A chat over WebSocket. Whoever opens /chat/NAME?seen=N is told all that was said after the first
 * N lines, then what is said from now on, and says lines that bear a number:
 *
 *   to the room     3 Hello                the third line of that name
 *   from the room   = 3                    the room has it; also if it had it before
 *                   ada: Hello             a line of the room
 *                   * ada joined           and so is this, or “left”
 *
 * A line is taken once for each name and number, so that it may be sent again by whoever does not
 * know whether it arrived. What was said outlives a stop, as in a file. */
typedef struct _ChatRoom ChatRoom;

ChatRoom *chat_room_new (void);
void chat_room_free (ChatRoom *room);

/* On @port of loopback, 0 for any. Returns the port, 0 with @error set. */
guint chat_room_start (ChatRoom *room, guint port, GError **error);
/* As a crash: nobody is told. */
void chat_room_stop (ChatRoom *room);

GPtrArray *chat_room_get_lines (ChatRoom *room);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ChatRoom, chat_room_free)
