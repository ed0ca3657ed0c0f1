// Which range type is over which subtype, and which multirange over which range: the built-in six (pg_range).

import {
  DATEMULTIRANGE_OID,
  DATERANGE_OID,
  DATE_OID,
  INT4MULTIRANGE_OID,
  INT4RANGE_OID,
  INT4_OID,
  INT8MULTIRANGE_OID,
  INT8RANGE_OID,
  INT8_OID,
  NUMERIC_OID,
  NUMMULTIRANGE_OID,
  NUMRANGE_OID,
  TIMESTAMPTZ_OID,
  TIMESTAMP_OID,
  TSMULTIRANGE_OID,
  TSRANGE_OID,
  TSTZMULTIRANGE_OID,
  TSTZRANGE_OID,
} from '../types/oids.ts'

/** range, subtype, multirange */
const RANGES: readonly (readonly [number, number, number])[] = [
  [INT4RANGE_OID, INT4_OID, INT4MULTIRANGE_OID],
  [INT8RANGE_OID, INT8_OID, INT8MULTIRANGE_OID],
  [NUMRANGE_OID, NUMERIC_OID, NUMMULTIRANGE_OID],
  [TSRANGE_OID, TIMESTAMP_OID, TSMULTIRANGE_OID],
  [TSTZRANGE_OID, TIMESTAMPTZ_OID, TSTZMULTIRANGE_OID],
  [DATERANGE_OID, DATE_OID, DATEMULTIRANGE_OID],
]

/** 0 for what is no range. */
export function subtypeOfRange(range: number): number {
  return RANGES.find((row) => row[0] === range)?.[1] ?? 0
}

export function multirangeOf(range: number): number {
  return RANGES.find((row) => row[0] === range)?.[2] ?? 0
}

export function rangeOfMultirange(multirange: number): number {
  return RANGES.find((row) => row[2] === multirange)?.[0] ?? 0
}
