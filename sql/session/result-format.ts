// How a portal's rows leave: RowDescription's fields, and the encoder for the formats the client asked for.

import { compileRowEncoder } from '../exec/row-encoder.ts'
import type { OutputColumn, RowEncoder } from '../exec/execution.ts'
import { must } from '../../storage/base/assert.ts'
import type { Portal } from './portal.ts'
import type { SessionCore } from './session-core.ts'
import type { FieldDescription } from './session.ts'

/** The format of column i: none given means text, one given is for all. */
function formatOf(formats: readonly number[], column: number): number {
  return formats.length === 1 ? (formats[0] ?? 0) : (formats[column] ?? 0)
}

export function fieldDescriptions(
  core: SessionCore,
  columns: readonly OutputColumn[],
  formats: readonly number[],
): readonly FieldDescription[] {
  return columns.map((column, i) => {
    const { oid, length, typmod } = describedType(core, column)
    return {
      name: column.name,
      tableOid: column.tableOid,
      columnNumber: column.columnNumber,
      typeOid: oid,
      typeLength: length,
      typeModifier: typmod,
      format: formatOf(formats, i),
    }
  })
}

/** Clients are told of a domain's base type, with the modifier that the domain gives it. */
function describedType(
  core: SessionCore,
  column: OutputColumn,
): { readonly oid: number; readonly length: number; readonly typmod: number } {
  let type = core.context.lookup.type(column.type)
  let { typmod } = column
  while (type.kind === 'domain') {
    typmod = domainTypmod(core, type.oid)
    type = core.context.lookup.type(type.baseOid)
  }
  return { oid: type.oid, length: type.length, typmod }
}

function domainTypmod(core: SessionCore, oid: number): number {
  return core.catalog.typeEntry(oid)?.domain?.typmod ?? -1
}

/** Encoders by output columns (a plan's array is the same object at every run) and formats. */
const encoders = new WeakMap<readonly OutputColumn[], Map<string, EncoderMaker>>()

type EncoderMaker = ReturnType<typeof compileRowEncoder>

export function rowEncoder(core: SessionCore, portal: Portal): RowEncoder {
  if (portal.encoder !== undefined) return portal.encoder
  const columns = must(portal.statement.columns)
  const formats = portal.resultFormats
  let byFormats = encoders.get(columns)
  if (byFormats === undefined) encoders.set(columns, (byFormats = new Map()))
  const key = formats.length === 0 ? '' : formats.join()
  let make = byFormats.get(key)
  if (make === undefined) {
    make = compileRowEncoder(
      columns.map((column, i) => ({
        type: core.context.lookup.type(column.type),
        format: formatOf(formats, i),
      })),
    )
    byFormats.set(key, make)
  }
  return (portal.encoder = make(core.context))
}
