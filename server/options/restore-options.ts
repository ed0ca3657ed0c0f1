// What `borealis restore` can be told; the table is all there is (flags.ts).

import type { Lsn, TimelineId } from '../../storage/base/ids.ts'
import { BadValue, type Flag, flagTableHelp, integer, nonEmpty, readFlagTable } from './flags.ts'
import { LOG_FLAGS, LOG_LEVEL_DEFAULT, type LogOptions } from './listen-options.ts'
import { StartError } from '../start-error.ts'
import { readQuorum } from './options.ts'
import type { Quorum } from './options.ts'

export interface RestoreOptions extends LogOptions {
  /** file:///path, a path, or s3://bucket/prefix. */
  readonly from: string
  /** Microseconds since 1970, or an LSN of `timeline`; undefined: the newest that is archived. */
  readonly at: { readonly micros: number } | { readonly lsn: Lsn } | undefined
  /** The timeline that an LSN counts on; 0: not given. */
  readonly timeline: TimelineId
  readonly data: string
  /** Instead of `data`: one directory for each node of a cluster of processes, in the order of their numbers. */
  readonly nodeData: readonly string[]
  readonly quorum: Quorum
}

const DEFAULTS: RestoreOptions = {
  from: '',
  at: undefined,
  timeline: 0 as TimelineId,
  data: '',
  nodeData: [],
  quorum: { nodeCount: 6, writeCount: 4, readCount: 3 },
  logLevel: LOG_LEVEL_DEFAULT,
}

const TIMELINE_MAX = 0xffff_ffff

const FLAGS: readonly Flag<RestoreOptions>[] = [
  {
    name: 'from',
    placeholder: 'URL',
    help: 'where the backup is: a directory, file:// or s3://bucket/prefix',
    read: (text) => ({ from: nonEmpty(text) }),
  },
  {
    name: 'at',
    placeholder: 'WHEN',
    help: 'a time (2026-11-22T10:00:00Z), an LSN (0/16B3748, with --timeline), or latest (latest)',
    read: (text) => ({ at: readWhen(text) }),
  },
  {
    name: 'timeline',
    placeholder: 'N',
    help: 'the timeline that the LSN of --at is on (borealis.branches has it)',
    read: (text) => ({ timeline: integer(text, 1, TIMELINE_MAX) as TimelineId }),
  },
  {
    name: 'data',
    placeholder: 'DIR',
    help: 'new data directory, for a server with embedded storage nodes',
    read: (text) => ({ data: nonEmpty(text) }),
  },
  {
    name: 'node-data',
    placeholder: 'ZONE:DIR,...',
    help: 'new data directories of storage nodes 1, 2, ... instead',
    read: (text) => ({ nodeData: text.split(',').map(nonEmpty) }),
  },
  {
    name: 'quorum',
    placeholder: 'V,W,R',
    help: 'nodes, write and read quorum (6,4,3)',
    read: (text) => ({ quorum: readQuorum(text) }),
  },
  ...LOG_FLAGS,
]

/** Reads flags and environment, and the configuration file with `readFile`. Throws StartError. */
export function readRestoreOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): RestoreOptions {
  const options = readFlagTable(FLAGS, DEFAULTS, { args, env, readFile })
  if (options.from === '') throw new StartError('--from is needed; see --help')
  if ((options.data === '') === (options.nodeData.length === 0))
    throw new StartError('one of --data and --node-data is needed; see --help')
  if (options.nodeData.length > 0 && options.nodeData.length !== options.quorum.nodeCount)
    throw new StartError(
      `--node-data names ${options.nodeData.length} directories, the quorum has ${options.quorum.nodeCount} nodes`,
    )
  if (options.at !== undefined && 'lsn' in options.at && options.timeline === 0)
    throw new StartError('an LSN counts on a timeline; give --timeline')
  return options
}

/** Lines of the help text, one for each flag. */
export function restoreFlagHelp(): string {
  return flagTableHelp(FLAGS)
}

function readWhen(text: string): RestoreOptions['at'] {
  if (text === 'latest') return undefined
  const lsn = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i.exec(text)
  if (lsn !== null)
    return {
      lsn: (Number.parseInt(lsn[1] ?? '', 16) * 0x1_0000_0000 + Number.parseInt(lsn[2] ?? '', 16)) as Lsn,
    }
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new BadValue('is neither a time nor an LSN')
  // Dates know milliseconds; a time given to the microsecond means the millisecond's end.
  return { micros: ms * 1000 + 999 }
}
