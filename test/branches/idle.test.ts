// Many branches that nobody uses stand through a restart, and each is what it was when somebody comes back to it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startBorealis, type TestServer } from '../support/borealis.ts'
import { client, rows, value } from './client.ts'

const COUNT = 400

async function makeBranches(server: TestServer): Promise<void> {
  const makers = Array.from({ length: 8 }, async (_, maker) => {
    const admin = await client(server, 'postgres')
    for (let i = maker; i < COUNT; i += 8) await admin.query(`CREATE DATABASE idle_${i} TEMPLATE trunk`)
    await admin.end()
  })
  await Promise.all(makers)
}

/** What a branch holds: how many rows, and the highest. */
async function contentsOf(server: TestServer, name: string): Promise<unknown> {
  const branch = await client(server, name)
  const [contents] = await rows(branch, 'SELECT count(*)::int, max(n) FROM t')
  await branch.end()
  return contents
}

test('idle branches, written or not, are what they were after a restart', { timeout: 120_000 }, async () => {
  const data = mkdtempSync(join(tmpdir(), 'borealis-idle-'))
  try {
    const first = await startBorealis({ data })
    const admin = await client(first, 'postgres')
    await admin.query('CREATE DATABASE trunk')
    const trunk = await client(first, 'trunk')
    await trunk.query('CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 100)')
    await makeBranches(first)
    await trunk.query('DELETE FROM t')
    for (const i of [7, 70, 300]) {
      const branch = await client(first, `idle_${i}`)
      await branch.query(`INSERT INTO t VALUES (${1000 + i})`)
      await branch.end()
    }
    await admin.query('DROP DATABASE idle_8')
    await Promise.all([trunk.end(), admin.end()])
    await first.close()

    const second = await startBorealis({ data })
    const again = await client(second, 'postgres')
    const listed = "SELECT count(*)::int FROM borealis.branches WHERE name LIKE 'idle%' AND own_bytes = 0"
    expect(await value(again, listed)).toBe(COUNT - 1 - 3)
    expect(await contentsOf(second, 'trunk')).toEqual([0, null])
    expect(await contentsOf(second, 'idle_0')).toEqual([100, 100])
    expect(await contentsOf(second, 'idle_70')).toEqual([101, 1070])
    await again.query('CREATE DATABASE of_idle TEMPLATE idle_399')
    await again.query('CREATE DATABASE of_written TEMPLATE idle_300')
    const branch = await client(second, 'of_idle')
    await branch.query('UPDATE t SET n = n + 1')
    await branch.end()
    await again.query('DROP DATABASE idle_399')
    await again.query('DROP DATABASE idle_300')
    expect(await contentsOf(second, 'of_idle')).toEqual([100, 101])
    expect(await contentsOf(second, 'of_written')).toEqual([101, 1300])
    const sum = `SELECT count(*)::int, sum(o.n)::int FROM borealis.branches b, LATERAL borealis.in_branch(NULL::t, b.name) o
      WHERE b.name LIKE 'idle%'`
    const other = await client(second, 'trunk')
    expect(await rows(other, sum)).toEqual([[(COUNT - 3) * 100 + 2, (COUNT - 3) * 5050 + 1007 + 1070]])
    await Promise.all([other.end(), again.end()])
    await second.close()
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
})
