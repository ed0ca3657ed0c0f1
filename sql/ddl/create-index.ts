// CREATE INDEX. All access methods become B+trees: what counts is that equality and order find their rows.

import type { IndexElem, IndexStmt } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { Dependency, IndexColumn, Table } from '../catalog/catalog.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { defineIndex } from './define-index.ts'
import { bindIndexExpression, bindIndexPredicate } from './expressions.ts'
import { chooseName, joinedColumnNames } from './object-names.ts'
import { indexOptions } from './reloptions.ts'
import { isTableEmpty } from './table-scan.ts'
import { collationNamed } from './type-names.ts'
import { type DdlWork, LOCK, RELATION_NOUN } from './work.ts'

const METHODS: ReadonlySet<string> = new Set(['btree', 'hash', 'gin', 'gist', 'brin', 'spgist'])
const INDEX_COLUMN_COUNT_MAX = 32

export async function createIndex(work: DdlWork, statement: IndexStmt): Promise<string> {
  if (statement.concurrent === true) work.requireNoBlock('CREATE INDEX CONCURRENTLY')
  const relation = await work.relation(must(statement.relation), LOCK.share)
  if (relation.kind !== 'table' || relation.isCompositeType) {
    const noun = RELATION_NOUN[relation.kind]
    throw new SqlError('42809', `cannot create index on relation "${relation.name}"`, {
      detail: `This operation is not supported for ${noun === 'index' ? 'indexes' : `${noun}s`}.`,
    })
  }
  work.checkNotSystem(relation)
  work.checkOwner('table', relation)
  const schema = must(work.catalog.schema(relation.schemaOid))
  if (!work.hasRole(schema.ownerOid)) work.checkPrivilege('schema', schema, 'C')
  const method = statement.accessMethod ?? 'btree'
  if (!METHODS.has(method)) throw new SqlError('42704', `access method "${method}" does not exist`)
  checkMethod(statement, method)
  const columns: IndexColumn[] = []
  const dependencies: Dependency[] = []
  const labels: string[] = []
  for (const node of statement.indexParams ?? []) {
    const read = readElement(work, relation, must(nodeAs(node, 'IndexElem')), method)
    columns.push(read.column)
    dependencies.push(...read.dependencies)
    labels.push(uniqueLabel(labels, read.label))
  }
  const included = (statement.indexIncludingParams ?? []).map((node) =>
    includedColumn(work, relation, must(nodeAs(node, 'IndexElem'))),
  )
  if (columns.length + included.length > INDEX_COLUMN_COUNT_MAX) {
    throw new SqlError('54011', `cannot use more than ${INDEX_COLUMN_COUNT_MAX} columns in an index`)
  }
  const predicate =
    statement.whereClause === undefined
      ? undefined
      : bindIndexPredicate(work, relation, statement.whereClause)
  const name = await indexName(work, statement, relation, [
    ...labels,
    ...included.map((at) => relation.columns[at]?.name ?? ''),
  ])
  if (name === undefined) return 'CREATE INDEX'
  await defineIndex(work, relation.oid, {
    name,
    columns,
    included,
    unique: statement.unique === true,
    isPrimary: false,
    isClustered: false,
    nullsNotDistinct: statement.nulls_not_distinct === true,
    deferrable: false,
    initiallyDeferred: false,
    constraintOid: 0,
    method,
    predicate: predicate?.text,
    options: indexOptions(statement.options),
    dependencies: [...dependencies, ...(predicate?.dependencies ?? [])],
    isEmpty: await isTableEmpty(work, relation),
  })
  return 'CREATE INDEX'
}

function checkMethod(statement: IndexStmt, method: string): void {
  if (method === 'btree') return
  if (statement.unique === true) {
    throw new SqlError('0A000', `access method "${method}" does not support unique indexes`)
  }
  const isMany = (statement.indexParams ?? []).length > 1
  if (method === 'hash' && isMany)
    throw new SqlError('0A000', 'access method "hash" does not support multicolumn indexes')
}

/** undefined: it exists and IF NOT EXISTS was said. */
async function indexName(
  work: DdlWork,
  statement: IndexStmt,
  table: Table,
  labels: readonly string[],
): Promise<string | undefined> {
  const isTaken = (name: string): boolean => work.catalog.relationByName(table.schemaOid, name) !== undefined
  const given = statement.idxname
  const name =
    given ?? chooseName({ name1: table.name, name2: joinedColumnNames(labels), label: 'idx' }, isTaken)
  await work.lockName('relation', table.schemaOid, name)
  if (!isTaken(name)) return name
  if (statement.if_not_exists !== true) throw new SqlError('42P07', `relation "${name}" already exists`)
  work.notice(`relation "${name}" already exists, skipping`, '42P07')
  return undefined
}

/** Expression columns are called expr, expr1, ... in index names. */
function uniqueLabel(before: readonly string[], label: string): string {
  let name = label
  for (let count = 1; before.includes(name); count++) name = `${label}${count}`
  return name
}

interface ReadElement {
  readonly column: IndexColumn
  readonly dependencies: readonly Dependency[]
  readonly label: string
}

function readElement(work: DdlWork, table: Table, element: IndexElem, method: string): ReadElement {
  const descending = element.ordering === 'SORTBY_DESC'
  const nullsFirst =
    element.nulls_ordering === 'SORTBY_NULLS_FIRST' ||
    (descending && element.nulls_ordering !== 'SORTBY_NULLS_LAST')
  if (method !== 'btree' && (element.ordering === 'SORTBY_DESC' || element.ordering === 'SORTBY_ASC')) {
    throw new SqlError('0A000', `access method "${method}" does not support ASC/DESC options`)
  }
  const collation =
    (element.collation ?? []).length === 0 ? undefined : collationNamed(work, stringsOf(element.collation))
  const operatorClass = stringsOf(element.opclass).at(-1)
  const common = { descending, nullsFirst, operatorClass }
  if (element.name !== undefined) {
    const at = findColumn(work, table, element.name)
    const { type, collation: own } = must(table.columns[at])
    const column: IndexColumn = {
      ...common,
      column: at,
      expression: undefined,
      type,
      collation: collation ?? own,
    }
    checkCollatable(work, column, collation)
    return { column, dependencies: [], label: element.name }
  }
  const bound = bindIndexExpression(work, table, must(element.expr))
  if (bound.column !== undefined) {
    const { type, collation: own, name } = must(table.columns[bound.column])
    const column: IndexColumn = {
      ...common,
      column: bound.column,
      expression: undefined,
      type,
      collation: collation ?? own,
    }
    return { column, dependencies: [], label: name }
  }
  const column: IndexColumn = {
    ...common,
    column: -1,
    expression: bound.text,
    type: bound.type,
    collation: collation ?? bound.collation,
  }
  return { column, dependencies: bound.dependencies, label: element.indexcolname ?? bound.label }
}

function checkCollatable(work: DdlWork, column: IndexColumn, collation: number | undefined): void {
  const type = work.catalog.type(column.type)
  if (collation === undefined || type?.isCollatable === true) return
  throw new SqlError('42804', `collations are not supported by type ${type?.name ?? ''}`)
}

function findColumn(work: DdlWork, table: Table, name: string): number {
  const at = table.columns.findIndex((column) => column.name === name && !column.isDropped)
  if (at < 0) throw work.error('42703', `column "${name}" does not exist`)
  return at
}

function includedColumn(work: DdlWork, table: Table, element: IndexElem): number {
  if (element.name === undefined)
    throw new SqlError('0A000', 'expressions are not supported in included columns')
  if ((element.opclass ?? []).length > 0) throw unsupported('operator class of an included column')
  return findColumn(work, table, element.name)
}
