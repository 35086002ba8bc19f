/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a server speaks, and how it begins. */
typedef enum
{
  FAULT_SERVER_PLAIN = 0,
  FAULT_SERVER_TLS = 1 << 0,
  FAULT_SERVER_HTTP2 =
    1 << 1, /* over TLS, chosen by ALPN; a client that does not ask for h2 gets HTTP/1.1 */
  FAULT_SERVER_EXPIRED = 1 << 2,
  FAULT_SERVER_WRONG_HOST = 1 << 3,
  FAULT_SERVER_CLIENT_CERTIFICATE = 1 << 4, /* asks for one and refuses a client without */
  FAULT_SERVER_FULL_BACKLOG = 1 << 5, /* accepts nobody: a connect neither succeeds nor fails */
  FAULT_SERVER_REFUSING = 1 << 6, /* begins as after fault_server_set_listening (server, FALSE) */
  FAULT_SERVER_NO_SETTINGS = 1 << 7, /* HTTP/2 begins without its first frame */
} FaultServerFlags;

/* Whether connects succeed, are refused, or hang. */
typedef enum
{
  FAULT_DOOR_OPEN,
  FAULT_DOOR_CLOSED,
  FAULT_DOOR_STUCK,
} FaultDoor;

/* What can be waited for. */
typedef enum
{
  FAULT_COUNT_REQUESTS,
  FAULT_COUNT_CONNECTIONS,
  FAULT_COUNT_CLOSED,
  FAULT_COUNT_HELD,
} FaultCount;

/* How a wait with an end ended. */
typedef enum
{
  FAULT_WAITED_MET,
  FAULT_WAITED_LATE,
  FAULT_WAITED_CANCELLED, /* meanwhile, whatever became of the cancellable since */
} FaultWaited;

G_END_DECLS
