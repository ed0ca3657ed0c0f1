// A sequence read as a table: one row with last_value, log_cnt and is_called (documentation, CREATE SEQUENCE, Notes).
// The row is of the moment, not of a snapshot, as sequences are not transactional.

import type { TreeId } from '../../storage/base/ids.ts'
import { BOOL_OID, INT8_OID, RECORD_OID } from '../types/oids.ts'
import { TableCodec } from '../types/row-codec.ts'
import type { Column, Sequence, Table } from './catalog.ts'
import { COLUMN_DEFAULTS } from './stored-objects.ts'

const COLUMNS: readonly Column[] = [
  ['last_value', INT8_OID] as const,
  ['log_cnt', INT8_OID] as const,
  ['is_called', BOOL_OID] as const,
].map(([name, type], i) => ({ ...COLUMN_DEFAULTS, number: i + 1, name, type, notNull: true }))

const NO_TREE = 0 as TreeId
const NO_CODEC = new TableCodec([{ version: 0, columns: [] }])

/** The computed relation that stands for the sequence in a FROM clause. */
export function sequenceTable(sequence: Sequence): Table {
  const { oid, name, schemaOid, ownerOid, acl, persistence } = sequence
  return {
    kind: 'table',
    oid,
    name,
    schemaOid,
    ownerOid,
    acl,
    persistence,
    columns: COLUMNS,
    tree: NO_TREE,
    clusterKey: undefined,
    codec: NO_CODEC,
    rowTypeOid: RECORD_OID,
    rowArrayTypeOid: 0,
    layouts: [],
    onCommit: 'preserve',
    indexes: [],
    checks: [],
    foreignKeys: [],
    referencedBy: [],
    // An array, made at once: whoever waits for the value's cell asks again from the start.
    virtual: { rows: (_catalog, server) => [server.sequenceRow(sequence)], lookups: [] },
    options: [],
    isCompositeType: false,
  }
}
