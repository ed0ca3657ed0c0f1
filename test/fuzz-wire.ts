// npm run fuzz -- [--messages 1000000] [--seed N] [--port P | --fake]
//
// Fuzzes the wire protocol of a server: one that runs at --port, the front end alone (--fake), or by default a whole
// server started for the purpose. A failing seed is one line to run again.

import { parseArgs } from 'node:util'
import { startBorealis } from './support/borealis.ts'
import { startFake } from './support/fake-server.ts'
import { fuzzWire } from './support/wire-fuzzer.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(process.pid) },
    port: { type: 'string' },
    fake: { type: 'boolean', default: false },
  },
})

const FAKE_TEXTS = ['select 1', 'begin', 'commit', 'error', 'notice', 'wait', 'copy in', 'rows 5', 'bad', '']
const REAL_TEXTS = [
  'select 1',
  'begin',
  'commit',
  'rollback',
  'select $1::int4',
  'select 1/0',
  'select * from generate_series(1, 50)',
  'create temp table t (a int4); copy t from stdin',
  'copy (select 1) to stdout',
  'not sql',
  '',
]

async function main(): Promise<void> {
  const seed = Number(values.seed)
  const messages = Number(values.messages)
  const target = await openTarget()
  const startedMs = performance.now()
  process.stdout.write(`fuzzing port ${target.port}: ${messages} messages, seed ${seed}\n`)
  const texts = values.fake ? FAKE_TEXTS : REAL_TEXTS
  const outcome = await fuzzWire({ port: target.port, messages, seed, texts })
  await target.close()
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  const { sent, connections, checks } = outcome
  process.stdout.write(
    `${sent} messages, ${connections} connections, ${checks} checks, ${seconds} s: no failure\n`,
  )
}

async function openTarget(): Promise<{ port: number; close: () => Promise<void> }> {
  if (values.port !== undefined) return { port: Number(values.port), close: () => Promise.resolve() }
  if (!values.fake) return startBorealis()
  const { port, server } = await startFake({ logLevel: 'silent' })
  return { port, close: () => server.close() }
}

await main()
