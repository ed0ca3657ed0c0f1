// Five workloads in the shapes that BranchBench (arXiv 2604.17180) describes; the statements are ours. Each grows a tree of
// branches and ends with an exact check; its figure is the time that all of it took.
//
//   software development    a branch per task off the newest main, schema and data changed there, some merged back
//   failure reproduction    branches as of many moments of one history, each replaying what happened from there
//   data cleaning           alternatives tried on branches level by level, the best one goes on
//   Monte-Carlo tree search many small branches at growing depth, a short play on each, values carried up
//   simulation              one state, many futures at once, aggregated over all of them

import type { LaunchedServer } from '../../test/support/launch.ts'
import type { Figure } from './figures.ts'
import { ask, connect, run, timed } from './servers.ts'

export type Workload = (server: LaunchedServer, scale: number) => Promise<Figure>

async function figure(name: string, work: () => Promise<unknown>): Promise<Figure> {
  return { name: `workload: ${name}`, value: (await timed(work)) / 1000, unit: 's', aim: 7200 }
}

function check(what: string, found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`${what}: ${found}, not ${wanted}`)
}

/** A database with accounts of 100 each. */
async function accounts(server: LaunchedServer, name: string, count: number): Promise<void> {
  await run(server, 'postgres', `CREATE DATABASE ${name}`)
  await run(
    server,
    name,
    'CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL)',
    `INSERT INTO account SELECT i, 100 FROM generate_series(1, ${count}) i`,
  )
}

const softwareDevelopment: Workload = (server, scale) =>
  figure('software development', async () => {
    const count = 20 * scale
    await accounts(server, 'dev_main', 5000)
    for (let task = 1; task <= count; task++) {
      const branch = `dev_task_${task}`
      await run(server, 'postgres', `CREATE DATABASE ${branch} TEMPLATE dev_main`)
      await run(
        server,
        branch,
        `ALTER TABLE account ADD COLUMN feature_${task} int DEFAULT ${task}`,
        `UPDATE account SET balance = balance + 1 WHERE id <= 100`,
        `INSERT INTO account (id, balance) VALUES (${5000 + task}, 0)`,
      )
      if (task % 2 === 0) await run(server, 'dev_main', `SELECT * FROM borealis.merge('${branch}')`)
      await run(server, 'postgres', `DROP DATABASE ${branch}`)
    }
    const merged = Math.floor(count / 2)
    check(
      'balances',
      Number(await ask(server, 'dev_main', 'SELECT sum(balance) FROM account')),
      500_000 + merged * 100,
    )
  })

const failureReproduction: Workload = (server, scale) =>
  figure('failure reproduction', async () => {
    const moments: { lsn: string; total: number }[] = []
    await accounts(server, 'incident', 2000)
    const history = await connect(server, 'incident')
    for (let step = 1; step <= 50 * scale; step++) {
      await history.query('UPDATE account SET balance = balance - 1 WHERE id = $1', [step])
      const { rows } = await history.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn')
      moments.push({ lsn: rows[0]?.lsn ?? '', total: 200_000 - step })
    }
    await history.end()
    for (const [i, { lsn, total }] of moments.entries()) {
      const branch = `incident_${i}`
      await run(server, 'postgres', `CREATE DATABASE ${branch} TEMPLATE incident AS_OF '${lsn}'`)
      await run(server, branch, 'UPDATE account SET balance = balance + 5 WHERE id = 1')
      check(branch, Number(await ask(server, branch, 'SELECT sum(balance) FROM account')), total + 5)
    }
  })

const dataCleaning: Workload = (server, scale) =>
  figure('data cleaning', async () => {
    await accounts(server, 'clean_0', 5000)
    let best = 'clean_0'
    const levels = 5 * scale
    for (let level = 1; level <= levels; level++) {
      const tried = Array.from({ length: 4 }, (_, i) => `clean_${level}_${i}`)
      await Promise.all(
        tried.map(async (branch, i) => {
          await run(server, 'postgres', `CREATE DATABASE ${branch} TEMPLATE ${best}`)
          await run(server, branch, `DELETE FROM account WHERE id % 50 = ${level * 4 + i}`)
        }),
      )
      best = tried[3] ?? best
    }
    check('rows left', Number(await ask(server, best, 'SELECT count(*) FROM account')), 5000 - levels * 100)
  })

const treeSearch: Workload = (server, scale) =>
  figure('Monte-Carlo tree search', async () => {
    await accounts(server, 'node_0', 1000)
    const nodes = [{ name: 'node_0', depth: 0 }]
    for (let i = 1; i <= 100 * scale; i++) {
      // A tree that grows deep and wide: every node is explored from one in the older half.
      const parent = nodes[Math.floor(nodes.length / 2 + (i % Math.ceil(nodes.length / 2)))] ?? {
        name: 'node_0',
        depth: 0,
      }
      const name = `node_${i}`
      await run(server, 'postgres', `CREATE DATABASE ${name} TEMPLATE ${parent.name}`)
      await run(server, name, `UPDATE account SET balance = balance + 1 WHERE id = ${parent.depth + 1}`)
      nodes.push({ name, depth: parent.depth + 1 })
    }
    for (const { name, depth } of nodes) {
      check(name, Number(await ask(server, name, 'SELECT sum(balance) FROM account')), 100_000 + depth)
    }
  })

const simulation: Workload = (server, scale) =>
  figure('simulation', async () => {
    const count = 100 * scale
    await accounts(server, 'world', 1000)
    const futures = Array.from({ length: count }, (_, i) => i)
    const worker = async (): Promise<void> => {
      for (let i = futures.pop(); i !== undefined; i = futures.pop()) {
        await run(server, 'postgres', `CREATE DATABASE future_${i} TEMPLATE world`)
        await run(server, `future_${i}`, `UPDATE account SET balance = balance + ${i} WHERE id <= 10`)
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
    const all = `SELECT sum(a.balance) FROM borealis.branches b,
      LATERAL borealis.in_branch(NULL::account, b.name) a WHERE b.name LIKE 'future%'`
    const wanted = count * 100_000 + (10 * count * (count - 1)) / 2
    check('all futures', Number(await ask(server, 'world', all)), wanted)
  })

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  'software-development': softwareDevelopment,
  'failure-reproduction': failureReproduction,
  'data-cleaning': dataCleaning,
  'tree-search': treeSearch,
  simulation,
}
