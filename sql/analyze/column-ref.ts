// Names of columns: a, t.a, s.t.a, t.*, and a table's name standing for its whole row.

import { must } from '../../storage/base/assert.ts'
import type { ColumnRef } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import { type Expr, SYSTEM_COLUMN } from '../tree/expr.ts'
import { CID_OID, OID_OID, RECORD_OID, TID_OID, XID_OID } from '../types/oids.ts'
import { projectField } from './field.ts'
import { columnExpr, type Scope, type ScopeItem } from './scope.ts'
import { suggestColumn } from './suggestion.ts'

const SYSTEM_TYPES: Readonly<Record<string, number>> = {
  ctid: TID_OID,
  xmin: XID_OID,
  cmin: CID_OID,
  xmax: XID_OID,
  cmax: CID_OID,
  tableoid: OID_OID,
}

/** A column reference as an expression. @throws SqlError 42703, 42702, 42P01, ... */
export function analyseColumnRef(scope: Scope, ref: ColumnRef): Expr {
  const { analysis } = scope
  const location = ref.location ?? 0
  if (scope.kind === 'default') {
    throw analysis.error('0A000', 'cannot use column reference in DEFAULT expression', location)
  }
  const fields = ref.fields ?? []
  const names = fields.map((field) => nodeAs(field, 'String')?.sval ?? '')
  const star = fields.length > 0 && nodeAs(fields.at(-1), 'A_Star') !== undefined
  if (star) {
    // Only where no target list expands it: f(t.*) means the row, a lone * nothing.
    if (names.length === 1) throw analysis.error('42601', 'improper use of "*"', location)
    const item = findItem(scope, names.slice(0, -1), location, `${names.slice(0, -1).join('.')}.*`)
    return wholeRow(item, location)
  }
  if (names.length === 1) return unqualified(scope, must(names[0]), location)
  return qualified(scope, names, location)
}

function unqualified(scope: Scope, name: string, location: number): Expr {
  const column = findColumn(scope, name, location)
  if (column !== undefined) return column
  const item = visibleItem(scope, undefined, name, location)
  if (item !== undefined) return wholeRow(item, location)
  throw missingColumn(scope, undefined, name, location)
}

/** A column by its bare name, from the nearest scope that has one. */
export function findColumn(scope: Scope, name: string, location: number): Expr | undefined {
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    let found: Expr | undefined
    for (const item of level.items) {
      if (!item.areColumnsVisible || (item.isLateralOnly && !level.isLateralActive)) continue
      const column = columnOf(scope, item, name, location)
      if (column === undefined) continue
      if (found !== undefined) {
        throw scope.analysis.error('42702', `column reference "${name}" is ambiguous`, location)
      }
      checkLateral(scope, item, location)
      found = column
    }
    if (found !== undefined) return found
  }
  return undefined
}

/** An item's column by name; system columns included. */
export function columnOf(scope: Scope, item: ScopeItem, name: string, location: number): Expr | undefined {
  const { columns } = item
  let found = -1
  for (let i = 0; i < columns.length; i++) {
    if (columns[i]?.name !== name) continue
    if (found >= 0) throw scope.analysis.error('42702', `column reference "${name}" is ambiguous`, location)
    found = i
  }
  if (found >= 0) return columnExpr(must(columns[found]), location)
  return item.table === undefined ? undefined : systemColumn(scope, item, name, location)
}

function systemColumn(scope: Scope, item: ScopeItem, name: string, location: number): Expr | undefined {
  const type = Object.hasOwn(SYSTEM_TYPES, name) ? SYSTEM_TYPES[name] : undefined
  if (type === undefined || item.relation === undefined) return undefined
  if (scope.kind === 'check' && name !== 'tableoid') {
    throw scope.analysis.error(
      '42P10',
      `system column "${name}" reference in check constraint is invalid`,
      location,
    )
  }
  if (scope.kind === 'generated' && name !== 'tableoid') {
    const message = `cannot use system column "${name}" in column generation expression`
    throw scope.analysis.error('42P10', message, location)
  }
  return {
    kind: 'column',
    relation: item.relation,
    column: SYSTEM_COLUMN[name as keyof typeof SYSTEM_COLUMN],
    name,
    type,
    typmod: -1,
    collation: 0,
    location,
  }
}

function qualified(scope: Scope, names: readonly string[], location: number): Expr {
  const name = must(names.at(-1))
  const qualification = names.slice(0, -1)
  const item = findItem(scope, qualification, location, names.join('.'))
  const column = columnOf(scope, item, name, location)
  if (column !== undefined) return column
  // t.f may be f(t): a function of the row.
  const row = wholeRow(item, location)
  const field = projectField(scope, row, name, location)
  if (field !== undefined) return field
  throw missingColumn(scope, must(qualification.at(-1)), name, location)
}

/**
 * The item that a qualification (table, schema.table, database.schema.table) names; `shown` is the whole reference.
 *
 * @throws SqlError 42P01, 42601, 0A000.
 */
export function findItem(scope: Scope, names: readonly string[], location: number, shown: string): ScopeItem {
  const { analysis } = scope
  if (names.length > 3) {
    throw analysis.error('42601', `improper qualified name (too many dotted names): ${shown}`, location)
  }
  if (names.length === 3 && names[0] !== analysis.catalog.databaseName) {
    throw analysis.error('0A000', `cross-database references are not implemented: ${shown}`, location)
  }
  const table = must(names.at(-1))
  const schema = names.length > 1 ? names.at(-2) : undefined
  const item = visibleItem(scope, schema, table, location)
  if (item !== undefined) return item
  throw missingTable(scope, schema, table, location)
}

/** The nearest item of this name whose table name is visible. */
export function visibleItem(
  scope: Scope,
  schema: string | undefined,
  name: string,
  location: number,
): ScopeItem | undefined {
  const { analysis } = scope
  let oid = 0
  if (schema !== undefined) {
    const schemaOid = analysis.catalog.schemaByName(schema)?.oid
    oid = schemaOid === undefined ? 0 : (analysis.catalog.relationByName(schemaOid, name)?.oid ?? 0)
    if (oid === 0) return undefined
  }
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    let found: ScopeItem | undefined
    for (const item of level.items) {
      if (!item.isTableVisible || (item.isLateralOnly && !level.isLateralActive)) continue
      const matches = schema === undefined ? item.alias === name : item.relationOid === oid && !item.isAliased
      if (!matches) continue
      if (found !== undefined) {
        throw analysis.error('42P09', `table reference "${name}" is ambiguous`, location)
      }
      checkLateral(scope, item, location)
      found = item
    }
    if (found !== undefined) return found
  }
  return undefined
}

function checkLateral(scope: Scope, item: ScopeItem, location: number): void {
  if (!item.isLateralOnly || item.isLateralOk) return
  const { analysis } = scope
  const message = `invalid reference to FROM-clause entry for table "${item.alias}"`
  const isTarget = item === scope.target || item === scope.outer?.target
  throw analysis.error(
    '42P10',
    message,
    location,
    isTarget
      ? {
          hint: `There is an entry for table "${item.alias}", but it cannot be referenced from this part of the query.`,
        }
      : { detail: 'The combining JOIN type must be INNER or LEFT for a LATERAL reference.' },
  )
}

/** A table's name used as a value: its row. */
export function wholeRow(item: ScopeItem, location: number): Expr {
  const { columns } = item
  const [only] = columns
  if (item.from.kind === 'function' && columns.length === 1 && only !== undefined && item.rowTypeOid === 0) {
    // A function that gives one scalar column is its value, not a row of it.
    return columnExpr(only, location)
  }
  if (item.relation === undefined) {
    const elements = columns.map((column) => columnExpr(column, location))
    return {
      kind: 'row',
      names: columns.map((column) => column.name),
      elements,
      explicit: false,
      type: RECORD_OID,
      typmod: -1,
      collation: 0,
      location,
    }
  }
  const type = item.rowTypeOid === 0 ? RECORD_OID : item.rowTypeOid
  return { kind: 'whole-row', relation: item.relation, type, typmod: -1, collation: 0, location }
}

function missingColumn(scope: Scope, alias: string | undefined, name: string, location: number): Error {
  const { analysis } = scope
  const message =
    alias === undefined ? `column "${name}" does not exist` : `column ${alias}.${name} does not exist`
  const { exact, first, second } = suggestColumn(scope, alias, name)
  if (exact !== undefined) {
    return analysis.error('42703', message, location, {
      hint:
        `There is a column named "${name}" in table "${exact.alias}", ` +
        'but it cannot be referenced from this part of the query.',
    })
  }
  if (first === undefined) return analysis.error('42703', message, location)
  const guesses = [first, second]
    .filter((match) => match !== undefined)
    .map((match) => `the column "${match.item.alias}.${match.column.name}"`)
  return analysis.error('42703', message, location, {
    hint: `Perhaps you meant to reference ${guesses.join(' or ')}.`,
  })
}

function missingTable(scope: Scope, schema: string | undefined, name: string, location: number): Error {
  const { analysis } = scope
  const item = anyItem(scope, schema, name)
  if (item === undefined) {
    return analysis.error('42P01', `missing FROM-clause entry for table "${name}"`, location)
  }
  const message = `invalid reference to FROM-clause entry for table "${name}"`
  const { alias } = item
  const isBadAlias =
    alias !== undefined &&
    alias !== name &&
    item.isAliased &&
    visibleItem(scope, undefined, alias, location) === item
  return analysis.error('42P01', message, location, {
    hint: isBadAlias
      ? `Perhaps you meant to reference the table alias "${alias}".`
      : `There is an entry for table "${alias}", but it cannot be referenced from this part of the query.`,
  })
}

/** Any entry that the name could have meant, referenceable or not. */
function anyItem(scope: Scope, schema: string | undefined, name: string): ScopeItem | undefined {
  const { catalog, context } = scope.analysis
  let oid = 0
  const schemas = schema === undefined ? context.searchPath : [catalog.schemaByName(schema)?.oid ?? 0]
  for (const schemaOid of schemas) {
    oid ||= catalog.relationByName(schemaOid, name)?.oid ?? 0
  }
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    for (const item of level.everything) {
      if (oid !== 0 && item.relationOid === oid) return item
      if (item.alias === name) return item
    }
  }
  return undefined
}
