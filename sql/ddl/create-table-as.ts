// CREATE TABLE AS, SELECT INTO: plans the query, makes a table of its columns, and puts its rows straight into the tree
// (a new table has no index and no constraint, and nobody else sees it).

import type { CreateTableAsStmt, IntoClause, SelectStmt } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import { ByteWriter } from '../../storage/base/byte-writer.ts'
import { analyzeNode } from '../analyze/analyze.ts'
import { settled } from '../catalog/wait.ts'
import type { OutputColumn, PreparedPlan } from '../exec/execution.ts'
import type { Node } from '../parse/ast.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import { planStatement } from '../plan/plan-statement.ts'
import { UNKNOWN_OID } from '../types/oids.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import type { ColumnDraft } from './column-draft.ts'
import { checkColumnNames, checkNameIsFree, makeTable } from './create-table.ts'
import { analysisContext } from './expressions.ts'
import { tableOptions } from './reloptions.ts'
import { type DdlWork, LOCK } from './work.ts'

export async function createTableAs(work: DdlWork, statement: CreateTableAsStmt): Promise<string> {
  if (statement.objtype === 'OBJECT_MATVIEW') throw unsupported('CREATE MATERIALIZED VIEW')
  const query = must(statement.query)
  if (nodeAs(query, 'ExecuteStmt') !== undefined) throw unsupported('CREATE TABLE AS EXECUTE')
  return run(work, query, must(statement.into), statement.if_not_exists === true)
}

export async function selectInto(work: DdlWork, statement: SelectStmt): Promise<string> {
  const { intoClause, ...rest } = statement
  return run(work, { SelectStmt: rest }, must(intoClause), false)
}

async function run(work: DdlWork, query: Node, into: IntoClause, ifNotExists: boolean): Promise<string> {
  const name = must(into.rel)
  const isTemporary = name.relpersistence === 't'
  const schema = await work.creationSchema(name, isTemporary)
  const relname = must(name.relname)
  await work.lockName('relation', schema.oid, relname)
  if (!checkNameIsFree(work, schema, relname, ifNotExists)) return 'CREATE TABLE AS'
  const plan = await settled(() => planQuery(work, query))
  const columns = draftColumns(work, must(plan.columns, 'a query has columns'), stringsOf(into.colNames))
  const tableOid = await makeTable(
    work,
    { columns, constraints: [], likes: [] },
    {
      schema,
      name: relname,
      persistence: isTemporary ? 'temporary' : name.relpersistence === 'u' ? 'unlogged' : 'permanent',
      options: tableOptions(into.options),
      onCommit:
        into.onCommit === 'ONCOMMIT_DROP'
          ? 'drop'
          : into.onCommit === 'ONCOMMIT_DELETE_ROWS'
            ? 'delete'
            : 'preserve',
    },
  )
  if (into.skipData === true) return 'CREATE TABLE AS'
  const count = await fill(work, plan, tableOid)
  return `SELECT ${count}`
}

function planQuery(work: DdlWork, query: Node): PreparedPlan {
  const { catalog, functions } = work
  const { parameterTypes = [] } = work.context
  const analysed = analyzeNode(query, work.source, { ...analysisContext(work), parameterTypes })
  const { server } = work.execution()
  return planStatement(analysed, { catalog, functions, server, estimate: (oid) => server.estimate(oid) })
}

function draftColumns(
  work: DdlWork,
  outputs: readonly OutputColumn[],
  names: readonly string[],
): ColumnDraft[] {
  if (names.length > outputs.length) throw new SqlError('42601', 'too many column names were specified')
  const drafts = outputs.map(({ name, type, typmod }, i): ColumnDraft => {
    const found = must(work.catalog.type(type))
    const shown = names[i] ?? name
    if (found.kind === 'pseudo' || type === UNKNOWN_OID) {
      throw new SqlError('42P16', `column "${shown}" has pseudo-type ${found.name}`)
    }
    return {
      name: shown,
      type,
      typmod,
      collation: found.isCollatable ? (found.name === 'name' ? 950 : 100) : 0,
      notNull: false,
      defaultNode: undefined,
      generated: false,
      identity: undefined,
      sequenceOptions: undefined,
      isSerial: false,
      location: undefined,
    }
  })
  checkColumnNames(drafts)
  return drafts
}

async function fill(work: DdlWork, plan: PreparedPlan, tableOid: number): Promise<number> {
  for (const { oid, mode } of plan.tables) await work.lockTable(oid, mode)
  for (const { relation: oid, privilege } of plan.privileges) {
    const relation = work.catalog.relation(oid)
    if (relation === undefined || relation.kind === 'index') continue
    for (const letter of privilege) work.checkPrivilege(relation.kind, relation, letter)
  }
  await work.lockTable(tableOid, LOCK.accessExclusive)
  const table = work.table(tableOid)
  const execution = plan.start(work.execution())
  const writer = new ByteWriter(512)
  const { transaction } = work
  const { commandId } = work.execution()
  let count = 0
  let id = await settled(() => work.engine.nextRowId(table.tree))
  try {
    for (;;) {
      const rows = await settled(() => execution.next())
      if (rows === undefined) break
      for (const row of rows) putRow(row, id++)
      count += rows.length
      await work.checkpoint()
    }
  } finally {
    execution.close()
  }
  return count

  function putRow(row: Row, rowId: number): void {
    const key = Buffer.allocUnsafe(8)
    key.writeUInt32BE(Math.floor(rowId / 0x1_0000_0000), 0)
    key.writeUInt32BE(rowId >>> 0, 4)
    writer.reset()
    table.codec.encode(row, writer)
    transaction.put(table.tree, key, writer.bytes.subarray(0, writer.length), commandId)
  }
}
