// "When": how users name a point of a database's past, read from one text wherever it can be given (AS_OF, BACKTRACK_TO,
// borealis.as_of, dbname=name@when, the functions of schema borealis). What it means for a database is found out in
// sql/catalog/past.ts.
//
//   'now'                      the newest commit
//   '0/16B3748'                pg_lsn: the newest commit at or below it
//   '-10 min', '2 hours ago'   interval: so long before the statement's start
//   '2026-11-22 10:00+01'      timestamptz: the newest commit at or before it; also 'yesterday', '2026-11-22T10:00Z', ...

import type { Lsn } from '../../storage/base/ids.ts'
import { parseTimestampTz } from '../types/datetime-input.ts'
import { parseInterval } from '../types/interval-parse.ts'
import type { Interval } from '../types/interval.ts'
import { SqlError } from '../types/sql-error.ts'
import type { TypeContext } from '../types/type.ts'
import type { Int8 } from '../types/value.ts'
import { addToTimestampTz } from './datetime.ts'

export type When =
  | { readonly kind: 'now' }
  | { readonly kind: 'lsn'; readonly lsn: Lsn }
  /** Microseconds since 1970-01-01 UTC. */
  | { readonly kind: 'time'; readonly wallMicros: number }

/** What reading a "when" needs: the session's zone and styles, and the statement's start (microseconds since 2000). */
export interface WhenContext extends TypeContext {
  statementMicros(): number
}

export const NOW: When = { kind: 'now' }

/** Microseconds from 1970-01-01 to 2000-01-01. */
export const EPOCH_2000_MICROS = 946_684_800_000_000

const LSN = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i
/** A sign, an ISO 8601 duration, or "ago" at the end: no timestamp looks like that. */
const LOOKS_RELATIVE = /^[-+@]|^P[\dT]|\bago$/i

/** Reads a point of the past. SqlError 22007 if it is none of the forms above. */
export function parseWhen(text: string, context: WhenContext): When {
  const trimmed = text.trim()
  if (trimmed.toLowerCase() === 'now') return NOW
  const lsn = LSN.exec(trimmed)
  if (lsn !== null) return { kind: 'lsn', lsn: lsnOf(trimmed) }
  if (trimmed === '') throw notAWhen(text)
  if (LOOKS_RELATIVE.test(trimmed)) {
    return tried(() => whenBefore(parseInterval(trimmed, context), context), text)
  }
  return tried(
    () => whenAt(parseTimestampTz(trimmed, context)),
    text,
    () => whenBefore(parseInterval(trimmed, context), context),
  )
}

/** The point at a timestamptz, microseconds since 2000; infinity is now. */
export function whenAt(micros: Int8): When {
  return Number(micros) === Infinity ? NOW : { kind: 'time', wallMicros: Number(micros) + EPOCH_2000_MICROS }
}

/** The point an interval away from the statement's start; PostgreSQL's timestamptz + interval. */
export function whenBefore(interval: Interval, context: WhenContext): When {
  return whenAt(addToTimestampTz(context, context.statementMicros(), interval))
}

/** The LSN in a pg_lsn's text. */
export function lsnOf(text: string): Lsn {
  const [high = '', low = ''] = text.split('/')
  return (Number.parseInt(high, 16) * 0x1_0000_0000 + Number.parseInt(low, 16)) as Lsn
}

function tried(first: () => When, text: string, second?: () => When): When {
  try {
    return first()
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    if (second !== undefined) return tried(second, text)
    throw notAWhen(text)
  }
}

function notAWhen(text: string): SqlError {
  return new SqlError('22007', `invalid point in time: "${text}"`, {
    hint: `Give a time before now ('-10 min'), a timestamp, an LSN ('0/16B3748') or 'now'.`,
  })
}
