// Every bound of the wire front end, with its unit. The message limits are PostgreSQL 15's (postgres.c, pqcomm.h).

import { assert } from '../storage/base/assert.ts'

/** Bytes of a startup packet, its length word included. */
export const STARTUP_SIZE_BYTES_MAX = 10_000

/** Length word of messages that carry a name or nothing. */
export const SMALL_MESSAGE_SIZE_BYTES_MAX = 10_000

/** Length word of messages that carry text or data: 1 GiB less one. */
export const LARGE_MESSAGE_SIZE_BYTES_MAX = 0x3fff_ffff

/** Length word of a password or SASL message. */
export const AUTH_MESSAGE_SIZE_BYTES_MAX = 65_535

/** Answers above this size go to the socket before more is produced. */
export const SINK_FULL_SIZE_BYTES: number = 64 * 1024

/** Initial size of a connection's output buffer, and what it shrinks back to. */
export const SINK_INITIAL_SIZE_BYTES: number = 8 * 1024

/** An output buffer that grew beyond this is dropped once it was sent. */
export const SINK_KEPT_SIZE_BYTES_MAX: number = 1024 * 1024

/** Memory that a connection reads into, and what it grows to when a read fills it. */
export const READ_SIZE_BYTES_INITIAL: number = 8 * 1024
export const READ_SIZE_BYTES_MAX: number = 64 * 1024

/** Bytes that may wait unparsed behind a running statement before the socket is paused. */
export const WAITING_INPUT_SIZE_BYTES_MAX: number = 256 * 1024

/** From so many answers a turn of the event loop on, in the mean, they leave together (wire/answer-turns.ts). */
export const ANSWERS_A_TURN_MIN = 4

/** Identifiers are cut to this many bytes: NAMEDATALEN less one. */
export const NAME_SIZE_BYTES_MAX = 63

/** A client that has not finished its handshake by then is dropped (authentication_timeout). */
export const HANDSHAKE_TIMEOUT_MS = 60_000

/** How often idle connections are looked at. */
export const IDLE_SWEEP_INTERVAL_MS = 1_000

/** After a fatal error, how long a client may take to read it before its socket is destroyed. */
export const LINGER_TIMEOUT_MS = 2_000

/** Connections that may be in their handshake beyond the connection limit, before new sockets are refused unread. */
export const HANDSHAKE_COUNT_EXTRA_MAX = 100

/** Bytes that may wait for a storage connection's socket before the other side counts as dead. */
export const STORAGE_UNSENT_SIZE_BYTES_MAX: number = 256 * 1024 * 1024

/** What dialing a storage node and greeting it may take. */
export const STORAGE_DIAL_TIMEOUT_MS = 3_000

/** A storage node that owes answers and says nothing for so long is dialed anew. */
export const STORAGE_SILENCE_MS_MAX = 10_000

/** The first pause before a lost storage node is dialed again, and the longest. */
export const STORAGE_REDIAL_PAUSE_MS_MIN = 20
export const STORAGE_REDIAL_PAUSE_MS_MAX = 1_000

/** Connections to a storage node at a time. */
export const STORAGE_CONNECTION_COUNT_MAX = 256

/** What SIGTERM grants a storage node to answer what it was asked. */
export const STORAGE_DRAIN_TIMEOUT_MS = 2_000

assert(SINK_INITIAL_SIZE_BYTES < SINK_FULL_SIZE_BYTES, 'a full sink is larger than a new one')
assert(SINK_FULL_SIZE_BYTES < SINK_KEPT_SIZE_BYTES_MAX, 'a buffer that fills normally is kept')
assert(SMALL_MESSAGE_SIZE_BYTES_MAX < WAITING_INPUT_SIZE_BYTES_MAX, 'a small message never pauses the socket')
