/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <glib-object.h>

#include "resilient-version-macros.h"

G_BEGIN_DECLS

/**
 * ResilientEventType:
 * @RESILIENT_EVENT_TYPE_SUCCESS: an answer that the policy accepts, of any status
 * @RESILIENT_EVENT_TYPE_RETRY: another attempt was decided
 * @RESILIENT_EVENT_TYPE_ERROR: the request failed for good
 * @RESILIENT_EVENT_TYPE_TIMEOUT: the request failed for good, its last failure being a time-out
 * @RESILIENT_EVENT_TYPE_CANCELLED: the caller cancelled, or the client closed
 *
 * What an event of a request reports.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum
{
  RESILIENT_EVENT_TYPE_SUCCESS,
  RESILIENT_EVENT_TYPE_RETRY,
  RESILIENT_EVENT_TYPE_ERROR,
  RESILIENT_EVENT_TYPE_TIMEOUT,
  RESILIENT_EVENT_TYPE_CANCELLED,
} ResilientEventType;

#define RESILIENT_TYPE_EVENT_TYPE (resilient_event_type_get_type ())

RESILIENT_AVAILABLE_IN_1_0
GType resilient_event_type_get_type (void) G_GNUC_CONST;

/**
 * ResilientResultStatus:
 * @RESILIENT_RESULT_STATUS_PENDING: the request is alive
 * @RESILIENT_RESULT_STATUS_SUCCESS: an answer that the policy accepts
 * @RESILIENT_RESULT_STATUS_ERROR: it failed
 * @RESILIENT_RESULT_STATUS_TIMEOUT: it failed, its last failure being a time-out
 * @RESILIENT_RESULT_STATUS_CANCELLED: it was cancelled
 *
 * How a request ended, or that it has not yet.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum
{
  RESILIENT_RESULT_STATUS_PENDING,
  RESILIENT_RESULT_STATUS_SUCCESS,
  RESILIENT_RESULT_STATUS_ERROR,
  RESILIENT_RESULT_STATUS_TIMEOUT,
  RESILIENT_RESULT_STATUS_CANCELLED,
} ResilientResultStatus;

#define RESILIENT_TYPE_RESULT_STATUS (resilient_result_status_get_type ())

RESILIENT_AVAILABLE_IN_1_0
GType resilient_result_status_get_type (void) G_GNUC_CONST;

/**
 * ResilientFailure:
 * @RESILIENT_FAILURE_NONE: no failure
 * @RESILIENT_FAILURE_RESOLVE: the host name has no address
 * @RESILIENT_FAILURE_CONNECT: no connection: refused, unreachable, or the proxy refused it
 * @RESILIENT_FAILURE_TLS: the TLS handshake broke
 * @RESILIENT_FAILURE_CERTIFICATE: a certificate was refused, by either side; never retried
 * @RESILIENT_FAILURE_CONNECT_TIMEOUT: not connected in time
 * @RESILIENT_FAILURE_WRITE_TIMEOUT: the peer accepted no byte for too long
 * @RESILIENT_FAILURE_READ_TIMEOUT: no byte received for too long
 * @RESILIENT_FAILURE_DISCONNECT: the connection was lost after the request was started
 * @RESILIENT_FAILURE_STATUS: a status that the policy retries
 * @RESILIENT_FAILURE_PROTOCOL: the answer could not be parsed
 * @RESILIENT_FAILURE_REDIRECT: a redirect loop, or a bad or refused target
 * @RESILIENT_FAILURE_TOO_LARGE: the response is larger than allowed
 * @RESILIENT_FAILURE_QUEUE_TIMEOUT: waited too long for a slot
 * @RESILIENT_FAILURE_DEADLINE: the attempt or the request took too long
 * @RESILIENT_FAILURE_OVERLOADED: refused: too many requests wait
 * @RESILIENT_FAILURE_CLOSED: refused: the client is closed
 * @RESILIENT_FAILURE_INVALID: refused: the request is not valid
 * @RESILIENT_FAILURE_CANCELLED: cancelled by the caller
 * @RESILIENT_FAILURE_CIRCUIT_OPEN: refused: the circuit breaker of its origin is open
 *
 * The kinds of failure: one for each ended attempt, or for a request that never had one. As flags, a set of kinds.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum /*< flags >*/
{
  RESILIENT_FAILURE_NONE = 0,
  RESILIENT_FAILURE_RESOLVE = 1 << 0,
  RESILIENT_FAILURE_CONNECT = 1 << 1,
  RESILIENT_FAILURE_TLS = 1 << 2,
  RESILIENT_FAILURE_CERTIFICATE = 1 << 3,
  RESILIENT_FAILURE_CONNECT_TIMEOUT = 1 << 4,
  RESILIENT_FAILURE_WRITE_TIMEOUT = 1 << 5,
  RESILIENT_FAILURE_READ_TIMEOUT = 1 << 6,
  RESILIENT_FAILURE_DISCONNECT = 1 << 7,
  RESILIENT_FAILURE_STATUS = 1 << 8,
  RESILIENT_FAILURE_PROTOCOL = 1 << 9,
  RESILIENT_FAILURE_REDIRECT = 1 << 10,
  RESILIENT_FAILURE_TOO_LARGE = 1 << 11,
  RESILIENT_FAILURE_QUEUE_TIMEOUT = 1 << 12,
  RESILIENT_FAILURE_DEADLINE = 1 << 13,
  RESILIENT_FAILURE_OVERLOADED = 1 << 14,
  RESILIENT_FAILURE_CLOSED = 1 << 15,
  RESILIENT_FAILURE_INVALID = 1 << 16,
  RESILIENT_FAILURE_CANCELLED = 1 << 17,
  RESILIENT_FAILURE_CIRCUIT_OPEN = 1 << 18,
} ResilientFailure;

#define RESILIENT_TYPE_FAILURE (resilient_failure_get_type ())

RESILIENT_AVAILABLE_IN_1_0
GType resilient_failure_get_type (void) G_GNUC_CONST;

/**
 * ResilientReason:
 * @RESILIENT_REASON_SUCCESS: an answer that the policy accepts
 * @RESILIENT_REASON_RETRY: another attempt is made
 * @RESILIENT_REASON_CANCELLED: it was cancelled
 * @RESILIENT_REASON_DEADLINE: the total time was over
 * @RESILIENT_REASON_CLOSED: the client was closed
 * @RESILIENT_REASON_NOT_RETRYABLE: the policy does not retry this failure
 * @RESILIENT_REASON_RETRIES_EXHAUSTED: all retries that the policy allows were made
 * @RESILIENT_REASON_NOT_IDEMPOTENT: the server may have acted on it already, and it must not be sent twice
 * @RESILIENT_REASON_BODY_SPENT: the body came from a stream that was read already
 * @RESILIENT_REASON_RETRY_AFTER_TOO_LONG: the server asked for a longer wait than the policy allows
 * @RESILIENT_REASON_DEADLINE_TOO_NEAR: the total time would be over before the next attempt
 * @RESILIENT_REASON_QUEUE_TIMEOUT: the request waited too long for a slot
 * @RESILIENT_REASON_HEDGE: another attempt was under way at the same time, and it was left to that one
 * @RESILIENT_REASON_CIRCUIT_OPEN: the circuit breaker of its origin was open
 * @RESILIENT_REASON_RETRY_BUDGET: the retry budget did not pay for another attempt
 * @RESILIENT_REASON_FALLBACK: the app gave the answer itself
 *
 * Why there is, or is not, another attempt: the rule that decided it.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum
{
  RESILIENT_REASON_SUCCESS,
  RESILIENT_REASON_RETRY,
  RESILIENT_REASON_CANCELLED,
  RESILIENT_REASON_DEADLINE,
  RESILIENT_REASON_CLOSED,
  RESILIENT_REASON_NOT_RETRYABLE,
  RESILIENT_REASON_RETRIES_EXHAUSTED,
  RESILIENT_REASON_NOT_IDEMPOTENT,
  RESILIENT_REASON_BODY_SPENT,
  RESILIENT_REASON_RETRY_AFTER_TOO_LONG,
  RESILIENT_REASON_DEADLINE_TOO_NEAR,
  RESILIENT_REASON_QUEUE_TIMEOUT,
  RESILIENT_REASON_HEDGE,
  RESILIENT_REASON_CIRCUIT_OPEN,
  RESILIENT_REASON_RETRY_BUDGET,
  RESILIENT_REASON_FALLBACK,
} ResilientReason;

#define RESILIENT_TYPE_REASON (resilient_reason_get_type ())

RESILIENT_AVAILABLE_IN_1_0
GType resilient_reason_get_type (void) G_GNUC_CONST;

/**
 * ResilientJitter:
 * @RESILIENT_JITTER_NONE: no chance
 * @RESILIENT_JITTER_PROPORTIONAL: the delay times a number in 1 ± jitter
 * @RESILIENT_JITTER_FULL: anything between zero and the delay
 * @RESILIENT_JITTER_EQUAL: half the delay, plus anything up to the other half
 * @RESILIENT_JITTER_DECORRELATED: anything between the base delay and three times the delay before
 *
 * How chance spreads a backoff, so that clients which failed together do not come back together.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum
{
  RESILIENT_JITTER_NONE,
  RESILIENT_JITTER_PROPORTIONAL,
  RESILIENT_JITTER_FULL,
  RESILIENT_JITTER_EQUAL,
  RESILIENT_JITTER_DECORRELATED,
} ResilientJitter;

#define RESILIENT_TYPE_JITTER (resilient_jitter_get_type ())

RESILIENT_AVAILABLE_IN_1_0
GType resilient_jitter_get_type (void) G_GNUC_CONST;

/**
 * ResilientCallState:
 * @RESILIENT_CALL_STATE_QUEUED: waits for a slot
 * @RESILIENT_CALL_STATE_SENDING: connects or sends
 * @RESILIENT_CALL_STATE_RECEIVING: a status line was read
 * @RESILIENT_CALL_STATE_WAITING: sleeps before a retry
 * @RESILIENT_CALL_STATE_OFFLINE: has slept, and waits for the network before the retry
 * @RESILIENT_CALL_STATE_DONE: ended
 *
 * Where a live request stands.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum
{
  RESILIENT_CALL_STATE_QUEUED,
  RESILIENT_CALL_STATE_SENDING,
  RESILIENT_CALL_STATE_RECEIVING,
  RESILIENT_CALL_STATE_WAITING,
  RESILIENT_CALL_STATE_OFFLINE,
  RESILIENT_CALL_STATE_DONE,
} ResilientCallState;

#define RESILIENT_TYPE_CALL_STATE (resilient_call_state_get_type ())

RESILIENT_AVAILABLE_IN_1_0
GType resilient_call_state_get_type (void) G_GNUC_CONST;

/**
 * ResilientIdempotency:
 * @RESILIENT_IDEMPOTENCY_AUTO: by its method, or an Idempotency-Key
 * @RESILIENT_IDEMPOTENCY_YES: it is idempotent
 * @RESILIENT_IDEMPOTENCY_NO: it is not, whatever its method says
 *
 * Whether sending a request twice does the same as sending it once.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum
{
  RESILIENT_IDEMPOTENCY_AUTO,
  RESILIENT_IDEMPOTENCY_YES,
  RESILIENT_IDEMPOTENCY_NO,
} ResilientIdempotency;

#define RESILIENT_TYPE_IDEMPOTENCY (resilient_idempotency_get_type ())

RESILIENT_AVAILABLE_IN_1_0
GType resilient_idempotency_get_type (void) G_GNUC_CONST;

/**
 * ResilientCircuitState:
 * @RESILIENT_CIRCUIT_STATE_CLOSED: calls go through, and their outcomes are counted
 * @RESILIENT_CIRCUIT_STATE_OPEN: calls are refused until the recovery timeout is over
 * @RESILIENT_CIRCUIT_STATE_HALF_OPEN: a few probes go through, whose outcomes decide
 *
 * What a circuit breaker does with calls.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum
{
  RESILIENT_CIRCUIT_STATE_CLOSED,
  RESILIENT_CIRCUIT_STATE_OPEN,
  RESILIENT_CIRCUIT_STATE_HALF_OPEN,
} ResilientCircuitState;

#define RESILIENT_TYPE_CIRCUIT_STATE (resilient_circuit_state_get_type ())

RESILIENT_AVAILABLE_IN_1_0
GType resilient_circuit_state_get_type (void) G_GNUC_CONST;

/**
 * ResilientBatchFlags:
 * @RESILIENT_BATCH_FLAGS_NONE: all requests are sent, whatever becomes of the others
 * @RESILIENT_BATCH_FLAGS_FAIL_FAST: the first request that fails ends the batch: those that run are cancelled, and the
 *   others are not sent
 *
 * What a [class@Batch] does when a request fails.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum /*< flags >*/
{
  RESILIENT_BATCH_FLAGS_NONE = 0,
  RESILIENT_BATCH_FLAGS_FAIL_FAST = 1 << 0,
} ResilientBatchFlags;

#define RESILIENT_TYPE_BATCH_FLAGS (resilient_batch_flags_get_type ())

RESILIENT_AVAILABLE_IN_1_0
GType resilient_batch_flags_get_type (void) G_GNUC_CONST;

G_END_DECLS
