// What a statement costs between the session and the engine: pgbench's statements and scans of its table, planned once.

import { bench, describe } from 'vitest'
import type { Transaction, View } from '../../storage/engine/engine.ts'
import { Runtime } from '../exec/runtime.ts'
import { compileTable } from '../exec/modify/compiled-table.ts'
import { TableWriter } from '../exec/modify/table-writer.ts'
import type { Row } from '../types/value.ts'
import type { StatementPlan } from './plan-statement.ts'
import { openPlanSession } from './testing/plan-fixture.ts'
import { writeEnvironment } from './write-environment.ts'

const ROWS = 50_000
const session = await openPlanSession()
await session.run('create table accounts (aid int primary key, bid int, abalance int, filler char(84))')
await session.run('create table loaded (aid int not null, bid int, abalance int, filler char(84))')
await session.run(`insert into accounts select g, 1, 0, 'x' from generate_series(1, ${ROWS}) g`)
const { database } = session.ddl.database
const base = session.ddl.execution()
const view = database.view()

function execute(plan: StatementPlan, parameters: Row, on: View = view, transaction?: Transaction): number {
  const execution = plan.start({ ...base, parameters, view: on, transaction, commandId: 1 })
  let count = 0
  for (let batch = execution.next(); batch !== undefined; batch = execution.next()) count += batch.length
  execution.close()
  return count
}

let seed = 1
const nextAid = (): number => 1 + ((seed = (seed * 7919 + 1) % 1_000_003) % ROWS)

describe('statements', () => {
  const select = session.plan('select abalance from accounts where aid = $1', [23])
  bench('SELECT by primary key', () => {
    execute(select, [nextAid()])
  })

  const update = session.plan('update accounts set abalance = abalance + $1 where aid = $2', [23, 23])
  bench('UPDATE by primary key, rolled back', () => {
    const transaction = database.begin()
    const own = database.view()
    own.transaction = transaction
    own.commandId = 1
    execute(update, [5, nextAid()], own, transaction)
    transaction.abort()
  })

  bench('planning a SELECT by primary key', () => {
    session.plan('select abalance from accounts where aid = $1', [23])
  })
})

describe(`scans of ${ROWS} rows`, () => {
  for (const sql of [
    'select count(*) from accounts',
    'select sum(abalance) from accounts',
    'select bid, count(*) from accounts group by bid',
    'select aid from accounts order by filler, aid limit 10',
  ]) {
    const plan = session.plan(sql)
    bench(sql, () => {
      execute(plan, [])
    })
  }
})

describe('loading', () => {
  const table = session.ddl.catalog.relationByName(
    session.ddl.catalog.schemaByName('public')?.oid ?? 0,
    'loaded',
  )
  if (table?.kind !== 'table') throw new Error('a table')
  const compiled = compileTable(
    table,
    writeEnvironment({ catalog: session.ddl.catalog, functions: base.functions }),
  )
  const filler = ' '.repeat(84)
  bench('TableWriter.insertRow, 1000 rows, rolled back', () => {
    const transaction = database.begin()
    const writer = new TableWriter(compiled, new Runtime({ ...base, transaction }, 0))
    for (let i = 0; i < 1000; i++) writer.insertRow([i, 1, 0, filler])
    transaction.abort()
  })
})
