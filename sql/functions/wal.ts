// Positions in the log (documentation, sections 9.27.3, 9.27.4 and 8.20): where this database's log stands, arithmetic of
// pg_lsn, and what a standby would say (NULL: there is no recovery to be in).

import type { Definitions } from './definition.ts'
import { makeNumeric, type Numeric } from '../types/numeric.ts'
import { SqlError } from '../types/sql-error.ts'

const LSN_MAX = (1n << 64n) - 1n

function positionOf(lsn: string): bigint {
  const [high = '', low = ''] = lsn.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

function textOf(position: bigint): string {
  if (position < 0n || position > LSN_MAX) throw new SqlError('22023', 'pg_lsn out of range')
  return `${(position >> 32n).toString(16)}/${(position & 0xffff_ffffn).toString(16)}`.toUpperCase()
}

const distance = (a: string, b: string): Numeric => makeNumeric(positionOf(a) - positionOf(b), 0)

/** `lsn` moved by a number of bytes; the result is rounded. */
function moved(lsn: string, bytes: Numeric, sign: 1n | -1n, verb: string): string {
  if (bytes.special === 'NaN') throw new SqlError('0A000', `cannot ${verb} pg_lsn`)
  if (bytes.special !== undefined) throw new SqlError('22023', 'pg_lsn out of range')
  const unit = 10n ** BigInt(bytes.scale)
  const sum = positionOf(lsn) * unit + sign * bytes.coefficient
  return textOf(sum < 0n ? -((unit / 2n - sum) / unit) : (sum + unit / 2n) / unit)
}

function notRecovering(): never {
  throw new SqlError('55000', 'recovery is not in progress', {
    hint: 'Recovery control functions can only be executed during recovery.',
  })
}

export const walFunctions: Definitions = {
  'pg_current_wal_lsn()': { context: ({ services }) => services.transactions.currentLsn('write') },
  'pg_current_wal_insert_lsn()': { context: ({ services }) => services.transactions.currentLsn('insert') },
  'pg_current_wal_flush_lsn()': { context: ({ services }) => services.transactions.currentLsn('flush') },
  'pg_wal_lsn_diff(pg_lsn,pg_lsn)': { call: distance },
  'pg_lsn_mi(pg_lsn,pg_lsn)': { call: distance },
  'pg_lsn_pli(pg_lsn,numeric)': {
    call: (lsn: string, bytes: Numeric) => moved(lsn, bytes, 1n, 'add NaN to'),
  },
  'numeric_pl_pg_lsn(numeric,pg_lsn)': {
    call: (bytes: Numeric, lsn: string) => moved(lsn, bytes, 1n, 'add NaN to'),
  },
  'pg_lsn_mii(pg_lsn,numeric)': {
    call: (lsn: string, bytes: Numeric) => moved(lsn, bytes, -1n, 'subtract NaN from'),
  },
  'pg_last_wal_receive_lsn()': { call: () => null },
  'pg_last_wal_replay_lsn()': { call: () => null },
  'pg_last_xact_replay_timestamp()': { call: () => null },
  'pg_is_wal_replay_paused()': { call: notRecovering },
  'pg_get_wal_replay_pause_state()': { call: notRecovering },
}
