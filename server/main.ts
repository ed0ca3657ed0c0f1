#!/usr/bin/env node
// The process of the command line, from its first moment to command.ts: what takes long begins here, side by side.
//
//   node ─▶ flags of V8 ─┬▶ threads of embedded storage nodes: load their bundle
//                        └▶ command.cjs (compiled-bundle.ts) ─▶ run
//
// From source, command.ts is imported instead of its bundle.

import { setFlagsFromString } from 'node:v8'
import { loadBundle } from './compiled-bundle.ts'
import { StorageThreads } from './storage-threads.ts'

/**
 * How much a heap may grow between two full collections. V8 takes the buffers of what it was told to be a small heap for
 * growth of that heap, and by itself marks all of it whenever some 10 MB of them came and went: several times a second.
 */
const HEAP_GROWING_PERCENT = 300

type Command = typeof import('./command.ts')

/** Whether a server is about to start that hosts its storage nodes; if a configuration file says otherwise, it does not matter. */
function isEmbedded([command, ...flags]: readonly string[]): boolean {
  if (command !== 'serve' || process.env['BOREALIS_STORAGE'] !== undefined) return false
  return !flags.some((flag) => flag === '--help' || flag.startsWith('--storage'))
}

setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`)
const args = process.argv.slice(2)
const threads = isEmbedded(args) ? StorageThreads.startAhead() : undefined
const command = import.meta.url.endsWith('.ts')
  ? await import('./command.ts')
  : (loadBundle(new URL('command.cjs', import.meta.url)) as Command)
command.run(args, threads)
