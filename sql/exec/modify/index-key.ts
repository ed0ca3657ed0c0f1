// How entries of indexes are made and read. An index's tree holds, for each row,
//
//   row keys all of one length
//     unique, no NULL in the key   key: columns            value: the row's key
//     otherwise                    key: columns, row key   value: empty
//   row keys of different lengths (a primary key with text)
//     unique, no NULL in the key   key: columns            value: 00, the row's key
//     otherwise                    key: columns, row key   value: 01, u16 little-endian: where the row key begins
//
// A NULL makes unique entries differ (unless NULLS NOT DISTINCT). Columns of secondary indexes are always encoded as
// nullable, whatever the table says now: SET NOT NULL must not change what is stored. The clustered primary key's tree
// is the table itself, its key the row's key.

import { must } from '../../../storage/base/assert.ts'
import type { Cell } from '../../../storage/engine/engine.ts'
import type { Index, Table } from '../../catalog/catalog.ts'
import type { KeyColumn } from '../../types/key-codec.ts'
import type { Type } from '../../types/type.ts'

const ROW_ID_SIZE_BYTES = 8

/** The key columns of an index, as the codec wants them. */
export function keyColumnsOf(index: Index, type: (oid: number) => Type): KeyColumn[] {
  return index.columns.map((column) => ({
    type: type(column.type),
    descending: column.descending,
    nullsFirst: column.nullsFirst,
    nullable: !index.isClustered,
  }))
}

/** The key columns of rows of a table that is stored by its primary key. */
export function clusterKeyColumns(table: Table, type: (oid: number) => Type): KeyColumn[] {
  const clustered = table.indexes.find((index) => index.isClustered)
  if (clustered !== undefined) return keyColumnsOf(clustered, type)
  return must(table.clusterKey, 'a clustered table').map((column) => ({
    type: type(must(table.columns[column]).type),
    descending: false,
    nullsFirst: false,
    nullable: false,
  }))
}

const FIXED_KEY_SIZE_BYTES: Readonly<Record<string, number | undefined>> = {
  bool: 1,
  int2: 2,
  int4: 4,
  uint4: 4,
  int8: 8,
}

/** Bytes of every row key of the table, or 0 when they differ. */
export function rowKeySize(table: Table, type: (oid: number) => Type): number {
  if (table.clusterKey === undefined) return ROW_ID_SIZE_BYTES
  let size = 0
  for (const column of clusterKeyColumns(table, type)) {
    const width = FIXED_KEY_SIZE_BYTES[column.type.rowSlot]
    if (width === undefined) return 0
    size += width
  }
  return size
}

/** Reads the row key of an index entry into a buffer of its own (the cell is about to be gone). */
export function rowKeyOf(cell: Cell, fixedSize: number): Buffer {
  if (fixedSize > 0) {
    const isInKey = cell.end === cell.start
    if (isInKey) return Buffer.from(cell.keyBytes.subarray(cell.keyEnd - fixedSize, cell.keyEnd))
    return Buffer.from(cell.bytes.subarray(cell.start, cell.end))
  }
  if (cell.bytes[cell.start] === 0) return Buffer.from(cell.bytes.subarray(cell.start + 1, cell.end))
  const offset = cell.bytes.readUInt16LE(cell.start + 1)
  return Buffer.from(cell.keyBytes.subarray(cell.keyStart + offset, cell.keyEnd))
}
