/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Registers the public enumerations and flags with GObject, under the nicks by which bindings and
 * settings know them. It owns nothing but their types. Any thread. */

#include "config.h"

#include "resilient-enums.h"

G_DEFINE_ENUM_TYPE (ResilientEventType,
                    resilient_event_type,
                    G_DEFINE_ENUM_VALUE (RESILIENT_EVENT_TYPE_SUCCESS, "success"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_EVENT_TYPE_RETRY, "retry"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_EVENT_TYPE_ERROR, "error"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_EVENT_TYPE_TIMEOUT, "timeout"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_EVENT_TYPE_CANCELLED, "cancelled"))

G_DEFINE_ENUM_TYPE (ResilientResultStatus,
                    resilient_result_status,
                    G_DEFINE_ENUM_VALUE (RESILIENT_RESULT_STATUS_PENDING, "pending"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_RESULT_STATUS_SUCCESS, "success"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_RESULT_STATUS_ERROR, "error"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_RESULT_STATUS_TIMEOUT, "timeout"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_RESULT_STATUS_CANCELLED, "cancelled"))

G_DEFINE_FLAGS_TYPE (ResilientFailure,
                     resilient_failure,
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_NONE, "none"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_RESOLVE, "resolve"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_CONNECT, "connect"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_TLS, "tls"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_CERTIFICATE, "certificate"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_CONNECT_TIMEOUT, "connect-timeout"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_WRITE_TIMEOUT, "write-timeout"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_READ_TIMEOUT, "read-timeout"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_DISCONNECT, "disconnect"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_STATUS, "status"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_PROTOCOL, "protocol"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_REDIRECT, "redirect"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_TOO_LARGE, "too-large"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_QUEUE_TIMEOUT, "queue-timeout"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_DEADLINE, "deadline"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_OVERLOADED, "overloaded"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_CLOSED, "closed"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_INVALID, "invalid"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_CANCELLED, "cancelled"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_FAILURE_CIRCUIT_OPEN, "circuit-open"))

G_DEFINE_ENUM_TYPE (ResilientReason,
                    resilient_reason,
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_SUCCESS, "success"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_RETRY, "retry"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_CANCELLED, "cancelled"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_DEADLINE, "deadline"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_CLOSED, "closed"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_NOT_RETRYABLE, "not-retryable"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_RETRIES_EXHAUSTED, "retries-exhausted"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_NOT_IDEMPOTENT, "not-idempotent"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_BODY_SPENT, "body-spent"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_RETRY_AFTER_TOO_LONG,
                                         "retry-after-too-long"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_DEADLINE_TOO_NEAR, "deadline-too-near"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_QUEUE_TIMEOUT, "queue-timeout"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_HEDGE, "hedge"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_CIRCUIT_OPEN, "circuit-open"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_RETRY_BUDGET, "retry-budget"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_REASON_FALLBACK, "fallback"))

G_DEFINE_ENUM_TYPE (ResilientJitter,
                    resilient_jitter,
                    G_DEFINE_ENUM_VALUE (RESILIENT_JITTER_NONE, "none"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_JITTER_PROPORTIONAL, "proportional"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_JITTER_FULL, "full"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_JITTER_EQUAL, "equal"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_JITTER_DECORRELATED, "decorrelated"))

G_DEFINE_ENUM_TYPE (ResilientCallState,
                    resilient_call_state,
                    G_DEFINE_ENUM_VALUE (RESILIENT_CALL_STATE_QUEUED, "queued"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CALL_STATE_SENDING, "sending"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CALL_STATE_RECEIVING, "receiving"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CALL_STATE_WAITING, "waiting"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CALL_STATE_OFFLINE, "offline"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CALL_STATE_DONE, "done"))

G_DEFINE_ENUM_TYPE (ResilientIdempotency,
                    resilient_idempotency,
                    G_DEFINE_ENUM_VALUE (RESILIENT_IDEMPOTENCY_AUTO, "auto"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_IDEMPOTENCY_YES, "yes"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_IDEMPOTENCY_NO, "no"))

G_DEFINE_ENUM_TYPE (ResilientCircuitState,
                    resilient_circuit_state,
                    G_DEFINE_ENUM_VALUE (RESILIENT_CIRCUIT_STATE_CLOSED, "closed"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CIRCUIT_STATE_OPEN, "open"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CIRCUIT_STATE_HALF_OPEN, "half-open"))

G_DEFINE_FLAGS_TYPE (ResilientBatchFlags,
                     resilient_batch_flags,
                     G_DEFINE_ENUM_VALUE (RESILIENT_BATCH_FLAGS_NONE, "none"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_BATCH_FLAGS_FAIL_FAST, "fail-fast"))
