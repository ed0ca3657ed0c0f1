#!/usr/bin/env node
// The process of the command line, from its first moment to the command: what takes long begins here, side by side.
//
//   node ─▶ flags of V8 ─┬▶ threads of embedded storage nodes: load their bundle
//                        └▶ command.cjs or storage-node-command.cjs (compiled-bundle.ts) ─▶ run
//
// From source, the modules are imported instead of their bundles.

import { setFlagsFromString } from 'node:v8'
import type { run } from './command.ts'
import { loadBundle } from './compiled-bundle.ts'
import { StorageThreads } from './storage-threads.ts'

/**
 * How much a heap may grow between two full collections. V8 takes the buffers of what it was told to be a small heap for
 * growth of that heap, and by itself marks all of it whenever some 10 MB of them came and went: several times a second.
 */
const HEAP_GROWING_PERCENT = 300

interface Command {
  readonly run: typeof run
}

/** Whether a server is about to start that hosts its storage nodes. If a file says otherwise, nothing is lost. */
function isEmbedded([command, ...flags]: readonly string[]): boolean {
  if (command !== 'serve' || process.env['BOREALIS_STORAGE'] !== undefined) return false
  return !flags.some((flag) => flag === '--help' || flag.startsWith('--storage'))
}

async function commandOf([command, ...flags]: readonly string[]): Promise<Command> {
  const isNode = command === 'storage-node' && !flags.includes('--help')
  if (import.meta.url.endsWith('.ts'))
    return isNode ? import('./storage-node-command.ts') : import('./command.ts')
  const bundle = isNode ? 'storage-node-command.cjs' : 'command.cjs'
  return loadBundle(new URL(bundle, import.meta.url)) as Command
}

setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`)
const args = process.argv.slice(2)
const threads = isEmbedded(args) ? StorageThreads.startAhead() : undefined
const command = await commandOf(args)
command.run(args, threads)
