// The command line: `borealis serve [flags]`, `borealis storage-node [flags]`. One line on standard output once connections
// are taken; a problem at the start is one line on standard error and exit status 1. SIGTERM drains, SIGINT cancels, a
// second signal kills.

import { readFileSync } from 'node:fs'
import { StartError } from './start-error.ts'
import { runBranchCommand } from './client/branch-command.ts'
import { BRANCH_HELP } from './client/branch-help.ts'
import { openLog } from './log.ts'
import { nodeEnv } from './node-env.ts'
import { flagHelp, readOptions } from './options/options.ts'
import { restoreCluster } from './restore.ts'
import { closeOnSignals, fail } from './process-end.ts'
import { readRestoreOptions, restoreFlagHelp } from './options/restore-options.ts'
import { startWithOptions } from './start.ts'
import type { StorageThreads } from './storage-threads.ts'
import { storageNodeFlagHelp } from './options/storage-node-options.ts'

const HELP = `borealis: a PostgreSQL-compatible server whose log is the database

  borealis serve [flags]           start a server
  borealis storage-node [flags]    start a storage node, for servers with --storage
  borealis restore [flags]         make a new cluster of a backup
${BRANCH_HELP}

  borealis --version
  borealis --help

Flags of serve, with their defaults; each also as an environment variable, e.g. BOREALIS_PORT:

${flagHelp()}

Flags of storage-node:

${storageNodeFlagHelp()}

Flags of restore:

${restoreFlagHelp()}
`

/** Runs the command line and ends the process when it fails. `threads`: started ahead for embedded storage nodes. */
export function run(args: readonly string[], threads: StorageThreads | undefined): void {
  obey(args, threads).catch(fail)
}

async function obey(args: readonly string[], threads: StorageThreads | undefined): Promise<void> {
  const [command, ...rest] = args
  if (command === '--help' || command === '-h' || command === 'help' || rest.includes('--help')) {
    process.stdout.write(HELP)
  } else if (command === '--version' || command === '-V') {
    process.stdout.write(`borealis ${version()}\n`)
  } else if (command === 'serve') {
    await serve(rest, threads)
  } else if (command === 'restore') {
    await restoreBackup(rest)
  } else if (command === 'branch' || command === 'backtrack') {
    process.stdout.write(await runBranchCommand(args))
  } else {
    throw new StartError(
      command === undefined ? 'no command given; see --help' : `unknown command "${command}"; see --help`,
    )
  }
}

async function serve(args: readonly string[], threads: StorageThreads | undefined): Promise<void> {
  const options = readOptions(args, process.env, (path) => readFileSync(path, 'utf8'))
  const log = openLog(options.logLevel)
  const server = await startWithOptions(options, log, threads)
  closeOnSignals(log, (signal) => server.close(signal === 'SIGTERM' ? options.graceMs : 0))
  process.stdout.write(`listening on ${server.host}:${server.port}\n`)
}

async function restoreBackup(args: readonly string[]): Promise<void> {
  const options = readRestoreOptions(args, process.env, (path) => readFileSync(path, 'utf8'))
  const { objectsRead, cuts } = await restoreCluster(options, {
    clock: nodeEnv.clock,
    log: openLog(options.logLevel),
  })
  process.stdout.write(`restored ${cuts.size} timelines from ${objectsRead} objects\n`)
}

/** The version in package.json, which lies one level up in the sources and two in dist/. */
function version(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
      if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
        return String(manifest.version)
    } catch {
      // Not at this level.
    }
  }
  return 'unknown'
}
