// The table and columns that COPY FROM writes, checked (documentation: COPY).

import type { Column, Table } from '../../catalog/catalog.ts'
import type { RangeVar } from '../../parse/ast.ts'
import type { NodeOf } from '../../parse/ast.ts'
import { must } from '../../../storage/base/assert.ts'
import { SqlError, unsupported } from '../../types/sql-error.ts'
import { hasPrivilege } from '../privileges.ts'
import type { SessionCore } from '../session-core.ts'
import { constantText } from '../utility/arguments.ts'

export interface CopyTarget {
  readonly table: Table
  /** Indexes into table.columns of the data's columns, in order. */
  readonly columns: readonly number[]
}

export function copyTarget(core: SessionCore, statement: NodeOf<'CopyStmt'>): CopyTarget {
  if (statement.whereClause !== undefined) throw unsupported('COPY FROM with WHERE')
  const table = namedTable(core, must(statement.relation), true)
  if (!core.isSuperuser && !hasPrivilege(core.catalog, core.roleOid, table, 'a')) {
    throw new SqlError('42501', `permission denied for table ${table.name}`)
  }
  const names = (statement.attlist ?? []).map((node) => constantText(node) ?? '')
  if (names.length === 0) return { table, columns: storedColumns(table) }
  const columns = names.map((name) => columnNamed(table, name))
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new SqlError('42701', `column "${twice}" specified more than once`)
  return { table, columns }
}

function columnNamed(table: Table, name: string): number {
  const index = table.columns.findIndex((column) => column.name === name && !column.isDropped)
  const column: Column | undefined = table.columns[index]
  if (column === undefined) {
    throw new SqlError('42703', `column "${name}" of relation "${table.name}" does not exist`)
  }
  if (column.generated) {
    throw new SqlError('42P10', `column "${name}" is a generated column`, {
      detail: 'Generated columns cannot be used in COPY.',
    })
  }
  return index
}

/** Every column that data is given for: neither dropped nor generated. */
export function storedColumns(table: Table): readonly number[] {
  return table.columns.flatMap((column, i) => (column.isDropped || column.generated ? [] : [i]))
}

/** Names for COPY TO without a column list. */
export function copyColumnNames(core: SessionCore, relation: RangeVar): readonly string[] {
  const table = namedTable(core, relation, false)
  return storedColumns(table).map((index) => must(table.columns[index]).name)
}

function namedTable(core: SessionCore, name: RangeVar, isFrom: boolean): Table {
  const { catalog } = core
  const relname = name.relname ?? ''
  const schemas = name.schemaname === undefined ? core.context.searchPath(true) : [name.schemaname]
  for (const schemaName of schemas) {
    const schema = catalog.schemaByName(schemaName)
    const relation = schema && catalog.relationByName(schema.oid, relname)
    if (relation === undefined) continue
    if (relation.kind === 'table' && (relation.virtual === undefined || !isFrom)) return relation
    const hint = relation.kind === 'view' && !isFrom ? 'Try the COPY (SELECT ...) TO variant.' : undefined
    throw new SqlError('42809', `cannot copy ${isFrom ? 'to' : 'from'} ${relation.kind} "${relname}"`, {
      hint,
    })
  }
  const shown = name.schemaname === undefined ? relname : `${name.schemaname}.${relname}`
  throw new SqlError('42P01', `relation "${shown}" does not exist`)
}
