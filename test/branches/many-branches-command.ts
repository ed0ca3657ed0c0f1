// npm run branches [-- BRANCHES [CONNECTIONS]]: see many-branches.ts. Exit status 1 when any result was not exact.

import { startBorealis } from '../support/borealis.ts'
import { runManyBranches } from './many-branches.ts'

const [branchCount = 1000, connectionCount = 50] = process.argv.slice(2).map(Number)
const server = await startBorealis({ connectionCountMax: connectionCount * 2 + 10 })
const { errors, createdMs, writtenMs, sumMs } = await runManyBranches({
  port: server.port,
  branchCount,
  connectionCount,
})
const each = (ms: number): string => `${(ms / branchCount).toFixed(2)} ms a branch`
process.stdout.write(
  `${branchCount} branches, ${connectionCount} connections\n` +
    `created    ${createdMs.toFixed(0)} ms, ${each(createdMs)}\n` +
    `written    ${writtenMs.toFixed(0)} ms, ${each(writtenMs)} (connect, 5 statements, 2 reads)\n` +
    `summed up  ${sumMs.toFixed(0)} ms in one statement over all, ${each(sumMs)}\n` +
    `${errors.length === 0 ? 'every result was exact' : errors.join('\n')}\n`,
)
await server.close()
process.exit(errors.length === 0 ? 0 : 1)
