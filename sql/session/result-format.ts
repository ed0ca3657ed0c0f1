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

/** How rows leave in some formats: made once for a plan's columns, the same for every session. */
export interface ResultForm {
  readonly fields: readonly FieldDescription[]
  readonly encode: RowEncoder
}

/** By output columns (a plan's array is the same object at every run) and formats; '' is text for all. */
const forms = new WeakMap<readonly OutputColumn[], Map<string, ResultForm>>()

/** The form of a portal's rows. The statement's columns may still change while the portal is opened. */
export function resultForm(core: SessionCore, portal: Portal): ResultForm {
  const columns = must(portal.statement.columns)
  if (portal.form !== undefined && portal.formColumns === columns) return portal.form
  portal.formColumns = columns
  return (portal.form = formOf(core, columns, portal.resultFormats))
}

function formOf(core: SessionCore, columns: readonly OutputColumn[], formats: readonly number[]): ResultForm {
  let byFormats = forms.get(columns)
  if (byFormats === undefined) forms.set(columns, (byFormats = new Map()))
  const key = formats.length === 0 || (formats.length === 1 && formats[0] === 0) ? '' : formats.join()
  let form = byFormats.get(key)
  if (form === undefined) {
    const encode = compileRowEncoder(
      columns.map((column, i) => ({
        type: core.context.lookup.type(column.type),
        format: formatOf(formats, i),
      })),
    )
    form = { fields: fieldDescriptions(core, columns, formats), encode }
    byFormats.set(key, form)
  }
  return form
}
