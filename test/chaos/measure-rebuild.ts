// How fast a lost node's segments are rebuilt on a spare while pgbench runs, and what that costs pgbench.
//
//   pgbench alone ─▶ node 6 is killed, the spare takes its place ─▶ pgbench until the spare is a member ─▶ compare

import { initialise } from '../support/pgbench.ts'
import { Cluster, until } from '../volume/cluster.ts'
import { withKeptData } from './kept-data.ts'
import {
  fill,
  heldBytes,
  load,
  loadDuring,
  mean,
  MEGABYTE,
  processorSeconds,
  segments,
  sleep,
} from './load.ts'

const SCALE = 10
const LOST_NODE = 6
const SPARE_NODE = 7
/** How long nodes have to themselves before anything is measured. */
const SETTLE_MS = 10_000

export interface RebuildOptions {
  readonly megabytes: number
  readonly seconds: number
  readonly keepUnder: string | undefined
  readonly say: (text: string) => void
}

export async function measureRebuild(options: RebuildOptions): Promise<void> {
  const { megabytes, keepUnder, say } = options
  const load = (directory: string): Promise<void> => loadSegments(directory, megabytes)
  await withKeptData({ under: keepUnder, name: `segments-${megabytes}`, load }, async (directory) => {
    const cluster = await Cluster.make({ command: 'built', spareCount: 1, directory })
    try {
      await cluster.start()
      await sleep(SETTLE_MS)
      await rebuild(cluster, options.seconds, say)
    } finally {
      await cluster.end('SIGTERM')
    }
  })
}

async function loadSegments(directory: string, megabytes: number): Promise<void> {
  const cluster = await Cluster.make({ command: 'built', directory })
  try {
    await cluster.start()
    await initialise(cluster.port, SCALE)
    await fill(cluster.port, megabytes)
  } finally {
    await cluster.end('SIGTERM')
  }
}

async function rebuild(cluster: Cluster, seconds: number, say: (text: string) => void): Promise<void> {
  const { rates: alone } = await load(cluster.port, seconds)
  await cluster.node(LOST_NODE).end('SIGKILL')
  const held = (await heldBytes(cluster.port, 1)) / MEGABYTE
  const before = processors(cluster)
  const meanwhile = await loadDuring(cluster.port, async () => {
    await cluster.query('select borealis.replace_node($1, $2)', [
      LOST_NODE,
      cluster.addresses[SPARE_NODE - 1],
    ])
    await until(
      'the spare is a member',
      async () =>
        (await segments(cluster.port)).some(({ node, role }) => node === SPARE_NODE && role === 'member'),
      600_000,
    )
  })
  const after = processors(cluster)
  const rate = held / meanwhile.seconds
  say(`rebuild: ${held.toFixed(0)} MB in ${meanwhile.seconds.toFixed(1)} s, ${rate.toFixed(1)} MB/s`)
  const share = ((mean(meanwhile.rates) / mean(alone)) * 100).toFixed(0)
  const rates = `${mean(alone).toFixed(0)} tps before, ${mean(meanwhile.rates).toFixed(0)} tps meanwhile`
  say(`rebuild: pgbench ${rates}, ${share} %`)
  say(`rebuild: each second ${meanwhile.rates.map((each) => each.toFixed(0)).join(' ')}`)
  const spent = after.map((seconds, at) => (seconds - (before[at] ?? 0)).toFixed(1)).join(' ')
  say(`rebuild: processor time of the server and the nodes, s: ${spent}`)
}

/** Seconds of processor time that the server and its nodes have taken. */
function processors({ server, nodes }: Cluster): number[] {
  return [server, ...nodes].map(({ processId, isRunning }) => (isRunning ? processorSeconds(processId) : 0))
}
