import { expect, test } from 'vitest'
import { startBorealis } from '../support/borealis.ts'
import { runManyBranches } from './many-branches.ts'

test('branches that are written and read at once give exact results, one by one and in one statement', async () => {
  const server = await startBorealis()
  const { errors } = await runManyBranches({ port: server.port, branchCount: 60, connectionCount: 20 })
  expect(errors).toEqual([])
  await server.close()
}, 120_000)
