// `borealis storage-node [flags]`: a storage node as a process. Apart from command.ts, so that it loads nothing of a server.

import { readFileSync } from 'node:fs'
import { openLog } from './log.ts'
import { closeOnSignals, fail } from './process-end.ts'
import { startStorageNode } from './storage-node.ts'
import { readStorageNodeOptions } from './options/storage-node-options.ts'

/** Runs the command line, whose first word is `storage-node`, and ends the process when it fails. */
export function run([, ...flags]: readonly string[]): void {
  serveStorage(flags).catch(fail)
}

async function serveStorage(args: readonly string[]): Promise<void> {
  const options = readStorageNodeOptions(args, process.env, (path) => readFileSync(path, 'utf8'))
  const log = openLog(options.logLevel)
  const node = await startStorageNode(options, log)
  closeOnSignals(log, () => node.close())
  process.stdout.write(`listening on ${node.host}:${node.port}\n`)
}
