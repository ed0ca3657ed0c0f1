// A stored table becomes a descriptor: with its indexes, the foreign keys that refer to it, and its codec. The result is
// kept with the stored table and used again while everything it was made from is the same.

import { must } from '../../storage/base/assert.ts'
import { TableCodec } from '../types/row-codec.ts'
import type { RowLayout as CodecLayout } from '../types/row-layout.ts'
import type { Type } from '../types/type.ts'
import type { Value } from '../types/value.ts'
import type { Index, Table } from './catalog.ts'
import { neutralContext } from './created-types.ts'
import type { StoredTable } from './stored-objects.ts'

export interface TableParts {
  readonly table: StoredTable
  readonly indexes: readonly Index[]
  /** Tables with foreign keys that refer to it. */
  readonly referring: readonly StoredTable[]
}

interface Linked extends TableParts {
  /** Types of the columns, as the codec uses them. */
  readonly types: readonly Type[]
  readonly codec: TableCodec
  readonly result: Table
}

const linked = new WeakMap<StoredTable, Linked>()

const isSame = <T>(a: readonly T[], b: readonly T[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i])

/** `typeOf`: types as of this version; a dropped column's may be gone. */
export function linkTable(parts: TableParts, typeOf: (oid: number) => Type | undefined): Table {
  const { table, indexes, referring } = parts
  const types = table.columns.map((column) => must(typeOf(column.type), 'every column has a type'))
  const known = linked.get(table)
  const hasTypes = known !== undefined && isSame(known.types, types)
  if (hasTypes && isSame(known.indexes, indexes) && isSame(known.referring, referring)) return known.result
  const codec = hasTypes ? known.codec : makeCodec(table, types, typeOf)
  const referencedBy = referring.flatMap((other) =>
    other.foreignKeys.filter((key) => key.referencedOid === table.oid),
  )
  const result: Table = { ...table, codec, indexes, referencedBy, virtual: undefined }
  linked.set(table, { ...parts, types, codec, result })
  return result
}

function makeCodec(
  table: StoredTable,
  types: readonly Type[],
  typeOf: (oid: number) => Type | undefined,
): TableCodec {
  const layouts = table.layouts.map(({ version, columns }): CodecLayout => {
    const physical = columns.map((index) => ({
      attnum: must(table.columns[index]).number,
      type: must(types[index]),
    }))
    return { version, columns: physical }
  })
  const missing = new Map<number, Value>()
  for (const [i, column] of table.columns.entries()) {
    if (column.missing === undefined || column.isDropped) continue
    const context = neutralContext((oid) => must(typeOf(oid)))
    missing.set(column.number, must(types[i]).input(column.missing, column.typmod, context))
  }
  return new TableCodec(layouts, missing)
}
