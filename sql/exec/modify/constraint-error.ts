// The errors of constraints, in PostgreSQL's words and with its fields.

import type { Catalog, ForeignKey, Index, Table } from '../../catalog/catalog.ts'
import type { TypeContext } from '../../types/type.ts'
import { SqlError, type SqlErrorFields } from '../../types/sql-error.ts'
import type { Row, Value } from '../../types/value.ts'
import type { CompiledTable } from './compiled-table.ts'

const SHOWN_SIZE_MAX = 64

function textOf(compiled: CompiledTable, type: number, value: Value, context: TypeContext): string {
  return value === null ? 'null' : compiled.environment.type(type).output(value, context)
}

/** `Failing row contains (1, null, abc).`: long values are cut. */
function failingRow(compiled: CompiledTable, row: Row, context: TypeContext): string {
  const shown = compiled.table.columns.flatMap((column, i) => {
    if (column.isDropped) return []
    const text = textOf(compiled, column.type, row[i] ?? null, context)
    return [text.length > SHOWN_SIZE_MAX ? `${text.slice(0, SHOWN_SIZE_MAX)}...` : text]
  })
  return `Failing row contains (${shown.join(', ')}).`
}

function fieldsOf(catalog: Catalog, table: Table): SqlErrorFields {
  return { schema: catalog.schema(table.schemaOid)?.name, table: table.name }
}

export function notNullError(
  compiled: CompiledTable,
  row: Row,
  column: number,
  context: TypeContext,
): SqlError {
  const { table, environment } = compiled
  const name = table.columns[column]?.name ?? ''
  return new SqlError(
    '23502',
    `null value in column "${name}" of relation "${table.name}" violates not-null constraint`,
    {
      ...fieldsOf(environment.catalog, table),
      detail: failingRow(compiled, row, context),
      column: name,
    },
  )
}

export function checkError(
  compiled: CompiledTable,
  row: Row,
  constraint: string,
  context: TypeContext,
): SqlError {
  const { table, environment } = compiled
  return new SqlError(
    '23514',
    `new row for relation "${table.name}" violates check constraint "${constraint}"`,
    {
      ...fieldsOf(environment.catalog, table),
      detail: failingRow(compiled, row, context),
      constraint,
    },
  )
}

/** `(a, b)=(1, x)` */
function keyText(
  names: readonly string[],
  types: readonly number[],
  values: Row,
  compiled: CompiledTable,
  context: TypeContext,
): string {
  const shown = values.map((value, i) => textOf(compiled, types[i] ?? 0, value, context))
  return `(${names.join(', ')})=(${shown.join(', ')})`
}

export function uniqueError(
  compiled: CompiledTable,
  index: Index,
  values: Row,
  context: TypeContext,
): SqlError {
  const { table, environment } = compiled
  const names = index.columns.map((column) =>
    column.column >= 0 ? (table.columns[column.column]?.name ?? '') : (column.expression ?? ''),
  )
  const key = keyText(
    names,
    index.columns.map((column) => column.type),
    values,
    compiled,
    context,
  )
  return new SqlError('23505', `duplicate key value violates unique constraint "${index.name}"`, {
    ...fieldsOf(environment.catalog, table),
    detail: `Key ${key} already exists.`,
    constraint: index.name,
  })
}

/** CREATE UNIQUE INDEX over rows that are not unique. */
export function duplicateInBuildError(
  compiled: CompiledTable,
  index: Index,
  values: Row,
  context: TypeContext,
): SqlError {
  const { fields } = uniqueError(compiled, index, values, context)
  const detail = fields.detail?.replace(' already exists.', ' is duplicated.')
  return new SqlError('23505', `could not create unique index "${index.name}"`, { ...fields, detail })
}

/** The key that these columns of the table make. */
function columnsText(
  numbers: readonly number[],
  values: Row,
  compiled: CompiledTable,
  context: TypeContext,
): string {
  const columns = numbers.map((column) => compiled.table.columns[column])
  const names = columns.map((column) => column?.name ?? '')
  const types = columns.map((column) => column?.type ?? 0)
  return keyText(names, types, values, compiled, context)
}

export function referencingError(
  compiled: CompiledTable,
  key: ForeignKey,
  values: Row,
  parent: Table,
  context: TypeContext,
): SqlError {
  const { table, environment } = compiled
  const text = columnsText(key.columns, values, compiled, context)
  const isMixed = key.match === 'full' && values.includes(null)
  const detail = isMixed
    ? 'MATCH FULL does not allow mixing of null and nonnull key values.'
    : `Key ${text} is not present in table "${parent.name}".`
  return new SqlError(
    '23503',
    `insert or update on table "${table.name}" violates foreign key constraint "${key.name}"`,
    {
      ...fieldsOf(environment.catalog, table),
      detail,
      constraint: key.name,
    },
  )
}

export function referencedError(
  compiled: CompiledTable,
  key: ForeignKey,
  values: Row,
  child: Table,
  context: TypeContext,
): SqlError {
  const { table, environment } = compiled
  const text = columnsText(key.referencedColumns, values, compiled, context)
  const message = `update or delete on table "${table.name}" violates foreign key constraint "${key.name}" on table "${child.name}"`
  return new SqlError('23503', message, {
    ...fieldsOf(environment.catalog, child),
    detail: `Key ${text} is still referenced from table "${child.name}".`,
    constraint: key.name,
  })
}
