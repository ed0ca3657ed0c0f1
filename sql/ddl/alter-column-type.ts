// ALTER TABLE ... ALTER COLUMN ... TYPE. Rows are written anew, unless every stored value already is a value of the new
// type (varchar to text, a longer varchar): then only the descriptor changes.

import type { AlterTableCmd, Node } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import { Analysis } from '../analyze/analysis.ts'
import { analyzeExpressionText } from '../analyze/analyze.ts'
import { coerceTo } from '../analyze/coerce.ts'
import { CLASS_OID } from '../catalog/bootstrap.ts'
import type { Column, Index, Table } from '../catalog/catalog.ts'
import { addressKey, addressOf, dependencyEdges } from '../catalog/dependencies.ts'
import { describeObject } from '../catalog/describe.ts'
import type { StoredTable } from '../catalog/stored-objects.ts'
import { replace } from '../exec/expression/walk.ts'
import { Runtime } from '../exec/runtime.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { NUMERIC_OID, TEXT_OID, VARCHAR_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Value } from '../types/value.ts'
import {
  analysisContext,
  bindTransform,
  compileRowExpression,
  storedText,
  writeEnvironment,
} from './expressions.ts'
import { checkForeignKeyRows } from './foreign-key-check.ts'
import { formatTypeName } from './format-names.ts'
import { rewriteTable } from './rewrite-table.ts'
import { refuseOwnRowType, refuseUsedRowType } from './row-type-use.ts'
import { resolveCollation, resolveType } from './type-names.ts'
import type { DdlWork } from './work.ts'
import { columnIndex } from './table-change.ts'

export async function alterColumnType(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const at = columnIndex(table, command.name ?? '')
  const old = must(table.columns[at])
  const def = must(nodeAs(command.def, 'ColumnDef'))
  const { oid, typmod } = resolveType(work, must(def.typeName))
  const next: Column = {
    ...old,
    type: oid,
    typmod,
    collation: resolveCollation(work, def.collClause, oid),
    missing: undefined,
  }
  refuseOwnRowType(work, table, oid)
  refuseUsedRowType(work, table)
  refuseDependents(work, table, old)
  if (table.isCompositeType) {
    // It has no rows of its own.
    await work.put(changedTable(work, table, work.storedTable(table.oid), at, next))
    return
  }
  const expr = transformOf(work, table, at, next, def.raw_default)
  const defaultText = convertedDefault(work, old, next)
  const changed: Column = { ...next, default: defaultText }
  const change = (stored: StoredTable): StoredTable => changedTable(work, table, stored, at, changed)
  const changeIndex = (index: Index): Index =>
    changedIndex(work, { ...table, columns: replaced(table, at, changed) }, index, at, changed)
  if (def.raw_default === undefined && isSameBytes(old, next)) {
    const stored = work.storedTable(table.oid)
    // Missing values are texts of the old type, which the new one reads alike.
    const kept = { ...changed, missing: old.missing }
    await work.put(changedTable(work, table, stored, at, kept))
    for (const index of table.indexes) await work.put(changeIndex(index))
    return
  }
  const evaluate = compileRowExpression(writeEnvironment(work), overFullRow(expr, table))
  const runtime = new Runtime(work.execution(), 0)
  await rewriteTable(work, table.oid, {
    change,
    changeIndex,
    transform: (row) => {
      const copy: Value[] = [...row]
      copy[at] = evaluate(runtime, row)
      return copy
    },
  })
  await recheckForeignKeys(work, table.oid, at)
}

function refuseDependents(work: DdlWork, table: Table, column: Column): void {
  const key = addressKey(addressOf(CLASS_OID.pg_class, table.oid, column.number))
  const path = work.searchPath().map((schema) => schema.oid)
  for (const { dependent, referenced } of dependencyEdges(work.catalog)) {
    if (addressKey(referenced) !== key) continue
    if (dependent.classOid === CLASS_OID.pg_rewrite) {
      throw new SqlError('0A000', 'cannot alter type of a column used by a view or rule', {
        detail: `${describeObject(work.catalog, path, dependent)} depends on column "${column.name}"`,
      })
    }
    if (dependent.classOid !== CLASS_OID.pg_attrdef) continue
    const generated = table.columns.find((item) => item.defaultOid === dependent.objectOid && item.generated)
    if (generated === undefined || generated === column) continue
    throw new SqlError('0A000', 'cannot alter type of a column used by a generated column', {
      detail: `Column "${column.name}" is used by generated column "${generated.name}".`,
    })
  }
}

/** The new value over the old row (columns by live index), converted as an assignment would. */
function transformOf(work: DdlWork, table: Table, at: number, next: Column, using: Node | undefined): Expr {
  const { name } = must(table.columns[at])
  const raw = bindTransform(work, table, using ?? { ColumnRef: { fields: [{ String: { sval: name } }] } })
  const analysis = new Analysis(analysisContext(work), work.source)
  const target = {
    type: next.type,
    typmod: next.typmod,
    context: 'assignment',
    form: 'implicit-cast',
    location: -1,
  } as const
  const converted = coerceTo(analysis, raw, target)
  if (converted !== undefined) return converted
  const wanted = formatTypeName(work.catalog, next.type)
  if (using !== undefined) {
    throw new SqlError(
      '42804',
      `result of USING clause for column "${name}" cannot be cast automatically to type ${wanted}`,
      {
        hint: 'You might need to add an explicit cast.',
      },
    )
  }
  const shown = formatTypeName(work.catalog, next.type, next.typmod)
  throw new SqlError('42804', `column "${name}" cannot be cast automatically to type ${wanted}`, {
    hint: `You might need to specify "USING ${name}::${shown}".`,
  })
}

function convertedDefault(work: DdlWork, old: Column, next: Column): string | undefined {
  if (old.default === undefined || old.generated) return old.default
  const target = { type: next.type, typmod: next.typmod, columnName: next.name }
  try {
    return storedText(
      work,
      analyzeExpressionText(old.default, analysisContext(work), { kind: 'default', target }),
    )
  } catch (error) {
    if (!(error instanceof SqlError) || error.code !== '42804') throw error
    const wanted = formatTypeName(work.catalog, next.type)
    throw new SqlError(
      '42804',
      `default for column "${next.name}" cannot be cast automatically to type ${wanted}`,
    )
  }
}

const replaced = (table: { readonly columns: readonly Column[] }, at: number, column: Column): Column[] =>
  table.columns.map((item, i) => (i === at ? column : item))

/** The descriptor with the new column; checks that name it are bound anew. */
function changedTable(
  work: DdlWork,
  table: Table,
  stored: StoredTable,
  at: number,
  column: Column,
): StoredTable {
  const columns = replaced(stored, at, column)
  const over: Table = { ...table, columns }
  const checks = stored.checks.map((check) =>
    names(check.dependencies, table, column)
      ? { ...check, expression: rebound(work, check.expression, over, 'check') }
      : check,
  )
  return { ...stored, columns, checks }
}

function names(dependencies: Table['checks'][number]['dependencies'], table: Table, column: Column): boolean {
  return dependencies.some((needed) => needed.objectOid === table.oid && needed.subId === column.number)
}

function rebound(
  work: DdlWork,
  text: string,
  table: Table,
  kind: 'check' | 'index-expression' | 'index-predicate',
): string {
  return withoutPosition(() =>
    storedText(work, analyzeExpressionText(text, analysisContext(work), { kind, table })),
  )
}

/** Positions in a stored text mean nothing to whoever wrote the statement. */
function withoutPosition<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    throw new SqlError(error.code, error.message, { ...error.fields, position: undefined })
  }
}

function changedIndex(work: DdlWork, table: Table, index: Index, at: number, column: Column): Index {
  const columns = index.columns.map((key) => {
    if (key.column === at)
      return { ...key, type: column.type, collation: key.collation === 0 ? column.collation : key.collation }
    if (key.expression === undefined || !names(index.dependencies, table, column)) return key
    const { expression } = key
    const expr = withoutPosition(() =>
      analyzeExpressionText(expression, analysisContext(work), { kind: 'index-expression', table }),
    )
    return { ...key, expression: storedText(work, expr), type: expr.type }
  })
  const isInPredicate = index.predicate !== undefined && names(index.dependencies, table, column)
  const predicate = isInPredicate
    ? rebound(work, must(index.predicate), table, 'index-predicate')
    : index.predicate
  return { ...index, columns, predicate }
}

/** Columns by index into table.columns, dropped ones counted. */
function overFullRow(expr: Expr, table: Table): Expr {
  const live = table.columns.flatMap((column, i) => (column.isDropped ? [] : [i]))
  return replace(expr, (one) =>
    one.kind === 'column' && one.column >= 0 ? { ...one, column: must(live[one.column]) } : undefined,
  )
}

/** Whether stored rows and keys of the old type are rows and keys of the new one. */
function isSameBytes(old: Column, next: Column): boolean {
  if (old.collation !== next.collation) return false
  const isText = (oid: number): boolean => oid === TEXT_OID || oid === VARCHAR_OID
  if (isText(old.type) && isText(next.type)) {
    return next.typmod === -1 || (old.typmod !== -1 && next.typmod >= old.typmod)
  }
  if (old.type !== next.type) return false
  if (old.typmod === next.typmod || next.typmod === -1) return true
  if (old.type !== NUMERIC_OID || old.typmod === -1) return false
  const scale = (typmod: number): number => (typmod - 4) & 0x7ff
  return scale(old.typmod) === scale(next.typmod) && next.typmod >= old.typmod
}

async function recheckForeignKeys(work: DdlWork, tableOid: number, at: number): Promise<void> {
  const table = work.table(tableOid)
  for (const key of table.foreignKeys) {
    if (key.validated && key.columns.includes(at)) await checkForeignKeyRows(work, table, key)
  }
  for (const key of table.referencedBy) {
    if (key.validated && key.referencedColumns.includes(at))
      await checkForeignKeyRows(work, work.table(key.tableOid), key)
  }
}
