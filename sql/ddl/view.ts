// CREATE [OR REPLACE] VIEW: the query is bound, and kept as canonical text with what it depends on.

import type { ViewStmt } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import { analyzeNode } from '../analyze/analyze.ts'
import type { Column, View } from '../catalog/catalog.ts'
import { COLUMN_DEFAULTS } from '../catalog/stored-objects.ts'
import { deparseQuery } from '../deparse/query.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import type { Query } from '../tree/query.ts'
import { UNKNOWN_OID } from '../types/oids.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { checkNameIsFree } from './create-table.ts'
import { analysisContext } from './expressions.ts'
import { formatTypeName } from './format-names.ts'
import { viewOptions } from './reloptions.ts'
import { dependenciesOf } from './tree-dependencies.ts'
import { visitTree } from './tree-walk.ts'
import { type DdlWork, LOCK } from './work.ts'

export async function createView(work: DdlWork, statement: ViewStmt): Promise<string> {
  const name = must(statement.view)
  const query = boundQuery(work, statement)
  const usesTemporary = namesTemporary(work, query)
  const isTemporary = name.relpersistence === 't' || usesTemporary
  if (usesTemporary && name.relpersistence !== 't') {
    work.notice(`view "${name.relname}" will be a temporary view`)
  }
  const schema = await work.creationSchema(name, isTemporary)
  const relname = must(name.relname)
  await work.lockName('relation', schema.oid, relname)
  const columns = outputColumns(work, query, stringsOf(statement.aliases))
  const definition = viewText(work, query, columns)
  const made = {
    columns,
    definition,
    options: optionsOfView(statement),
    dependencies: dependenciesOf(work.catalog, query),
  }
  const existing = work.catalog.relationByName(schema.oid, relname)
  if (existing !== undefined && statement.replace === true) {
    await replaceView(work, existing.oid, made)
    return 'CREATE VIEW'
  }
  checkNameIsFree(work, schema, relname, false)
  const [oid, rowTypeOid, rowArrayTypeOid] = (await work.newOids(3)) as [number, number, number]
  await work.put({
    kind: 'view',
    oid,
    name: relname,
    schemaOid: schema.oid,
    ownerOid: work.roleOid,
    acl: work.defaultAcl(schema.oid, 'r'),
    persistence: isTemporary ? 'temporary' : 'permanent',
    rowTypeOid,
    rowArrayTypeOid,
    ...made,
  })
  return 'CREATE VIEW'
}

function optionsOfView(statement: ViewStmt): string[] {
  const options = viewOptions(statement.options)
  if (statement.withCheckOption === 'LOCAL_CHECK_OPTION') options.push('check_option=local')
  if (statement.withCheckOption === 'CASCADED_CHECK_OPTION') options.push('check_option=cascaded')
  if (options.some((option) => option.startsWith('check_option='))) throw unsupported('WITH CHECK OPTION')
  return options
}

function boundQuery(work: DdlWork, statement: ViewStmt): Query {
  const select = must(statement.query)
  if (nodeAs(select, 'SelectStmt')?.intoClause !== undefined) {
    throw work.error('42601', 'views must not contain SELECT INTO')
  }
  const { body, parameterTypes } = analyzeNode(select, work.source, analysisContext(work))
  if (!('targets' in body))
    throw new SqlError('0A000', 'views must not contain data-modifying statements in WITH')
  if (parameterTypes.length > 0) throw new SqlError('42P02', 'there is no parameter $1')
  if (body.ctes.some((cte) => !('targets' in cte.query))) {
    throw new SqlError('0A000', 'views must not contain data-modifying statements in WITH')
  }
  return body
}

function namesTemporary(work: DdlWork, query: Query): boolean {
  let found = false
  visitTree(query, (node) => {
    const oid = node['kind'] === 'table' ? (node['table'] as { readonly oid: number }).oid : node['viewOid']
    if (typeof oid === 'number' && work.catalog.relation(oid)?.persistence === 'temporary') found = true
    return undefined
  })
  return found
}

/** The view's columns: the query's outputs under the names given. */
export function outputColumns(work: DdlWork, query: Query, aliases: readonly string[]): Column[] {
  const targets = query.targets.filter((target) => !target.junk)
  if (aliases.length > targets.length) {
    throw new SqlError('42601', 'CREATE VIEW specifies more column names than columns')
  }
  if (targets.length === 0) throw new SqlError('42P16', 'view must have at least one column')
  const seen = new Set<string>()
  return targets.map(({ expr, name: own }, i) => {
    const name = aliases[i] ?? own
    if (seen.has(name)) throw new SqlError('42701', `column "${name}" specified more than once`)
    seen.add(name)
    const { type, typmod, collation } = expr
    const kind = work.catalog.type(type)?.kind
    if (type === UNKNOWN_OID || kind === 'pseudo') {
      throw new SqlError(
        '42P16',
        `column "${name}" has pseudo-type ${work.catalog.type(type)?.name ?? 'unknown'}`,
      )
    }
    return { ...COLUMN_DEFAULTS, number: i + 1, name, type, typmod, collation }
  })
}

/** Canonical text: every name outside pg_catalog qualified. */
export function viewText(work: DdlWork, query: Query, columns: readonly { readonly name: string }[]): string {
  const outputNames = columns.map(({ name }) => name)
  return `${deparseQuery(query, { catalog: work.catalog, searchPath: [], outputNames })};`
}

type MadeView = Pick<View, 'columns' | 'definition' | 'options' | 'dependencies'>

async function replaceView(work: DdlWork, oid: number, made: MadeView): Promise<void> {
  await work.lockTable(oid, LOCK.accessExclusive)
  const existing = must(work.catalog.relation(oid))
  if (existing.kind !== 'view') throw new SqlError('42809', `"${existing.name}" is not a view`)
  work.checkNotSystem(existing)
  work.checkOwner('view', existing)
  if (made.dependencies.some((needed) => needed.objectOid === oid)) {
    throw new SqlError('42P17', `infinite recursion detected in rules for relation "${existing.name}"`)
  }
  const columns = made.columns.map((column, i) => {
    const old = existing.columns[i]
    if (old !== undefined) checkSameColumn(work, old, column)
    return old === undefined
      ? column
      : { ...column, default: old.default, defaultOid: old.defaultOid, acl: old.acl }
  })
  if (columns.length < existing.columns.length) throw new SqlError('42P16', 'cannot drop columns from view')
  await work.put({ ...existing, ...made, columns })
}

function checkSameColumn(work: DdlWork, old: Column, column: Column): void {
  if (old.name !== column.name) {
    throw new SqlError('42P16', `cannot change name of view column "${old.name}" to "${column.name}"`, {
      hint: 'Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.',
    })
  }
  if (old.type === column.type && old.typmod === column.typmod) return
  const from = formatTypeName(work.catalog, old.type, old.typmod)
  const to = formatTypeName(work.catalog, column.type, column.typmod)
  throw new SqlError('42P16', `cannot change data type of view column "${old.name}" from ${from} to ${to}`)
}
