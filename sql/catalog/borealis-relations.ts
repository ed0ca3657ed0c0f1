// The relations of schema borealis, as facts in the form of system-relation-facts.ts: views whose rows the server
// computes. This is the one place that declares them; their rows are in virtual/.
//
// Oids from 15300 on: relation, row type, array of the row type.

import {
  BOOL_OID,
  FLOAT8_OID,
  INT4_OID,
  INT8_OID,
  PG_LSN_OID,
  TEXT_OID,
  TIMESTAMPTZ_OID,
} from '../types/oids.ts'

type Columns = readonly (readonly [name: string, type: number])[]

interface View {
  readonly oid: number
  readonly name: string
  readonly columns: Columns
}

/** Every segment of the volume: a protection group on a storage node. */
const segments: View = {
  oid: 15300,
  name: 'segments',
  columns: [
    ['node', INT4_OID],
    ['zone', TEXT_OID],
    ['address', TEXT_OID],
    ['protection_group', INT4_OID],
    ['kind', TEXT_OID],
    ['role', TEXT_OID],
    ['alive', BOOL_OID],
    ['scl', PG_LSN_OID],
    ['epoch', INT8_OID],
    ['gaps', INT8_OID],
    ['timelines', INT8_OID],
    ['pages', INT8_OID],
    ['bytes', INT8_OID],
    ['last_scrub', TIMESTAMPTZ_OID],
    ['error', TEXT_OID],
  ],
}

/** The log of the session's database, and what the volume has done since the server started. */
const volume: View = {
  oid: 15303,
  name: 'volume',
  columns: [
    ['vcl', PG_LSN_OID],
    ['vdl', PG_LSN_OID],
    ['pgmrpl', PG_LSN_OID],
    ['tail', PG_LSN_OID],
    ['lal_room', INT8_OID],
    ['in_flight', INT8_OID],
    ['volume_epoch', INT8_OID],
    ['membership_epoch', INT8_OID],
    ['geometry_epoch', INT8_OID],
    ['protection_groups', INT4_OID],
    ['segment_size', INT8_OID],
    ['commits', INT8_OID],
    ['messages_sent', INT8_OID],
    ['messages_received', INT8_OID],
    ['bytes_sent', INT8_OID],
    ['batches_sent', INT8_OID],
    ['pages_read', INT8_OID],
    ['hedged_reads', INT8_OID],
    ['messages_per_commit', FLOAT8_OID],
    ['bytes_per_commit', FLOAT8_OID],
    ['ios_per_commit', FLOAT8_OID],
  ],
}

const VIEWS: readonly View[] = [segments, volume]

/** Columns that text has a collation in. */
const DEFAULT_COLLATION = 100

/** oid|schema|name|relkind|row type|array of it|shared|acl|toast table|replica identity|options|columns */
export const borealisRelationFacts: string = VIEWS.map(({ oid, name, columns }) => {
  const collation = (type: number): number => (type === TEXT_OID ? DEFAULT_COLLATION : 0)
  const list = columns.map(([column, type]) => `${column}:${type}:-1::${collation(type)}`).join(' ')
  const acl = '{postgres=arwdDxt/postgres,=r/postgres}'
  return `${oid}|borealis|${name}|v|${oid + 1}|${oid + 2}|false|${acl}|0|n|-|${list}`
}).join('\n')
