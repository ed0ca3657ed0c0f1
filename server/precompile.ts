// Last step of the build: has a built server run what every start runs, so that V8's code of it is there from the first
// start on (compiled-bundle.ts).
//
//   serve, write ─▶ kill -9 ─▶ serve again: recovery, first answers ─▶ BUNDLE.cjs-TAG-code written ─▶ end
//
// Where that fails nothing is missing: the first server that runs for a while writes the same files.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

const WRITE_AFTER_MS = 2000
const PATIENCE_MS = 20_000
const FOLDERS = ['.', '../storage/node'].map((path) => fileURLToPath(new URL(path, import.meta.url)))

const QUERIES = [
  'create table if not exists warm (id int primary key, n int, t text)',
  'insert into warm select g, g, g::text from generate_series(1, 100) g on conflict do nothing',
  'select count(*), sum(n) from warm where id < 50',
]

interface Server {
  readonly child: ChildProcess
  readonly port: number
}

async function serve(data: string, env: NodeJS.ProcessEnv): Promise<Server> {
  const main = fileURLToPath(new URL('main.js', import.meta.url))
  const child = spawn(
    process.execPath,
    [main, 'serve', '--data', data, '--port', '0', '--log-level', 'error'],
    {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (bytes: Buffer) => resolve(String(bytes)))
    child.once('exit', (status) => reject(new Error(`the server ended with status ${status}`)))
  })
  return { child, port: Number(line.trim().split(':').at(-1)) }
}

async function end({ child }: Server, signal: NodeJS.Signals): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await gone
}

async function ask(port: number): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  await client.connect()
  for (const text of QUERIES) await client.query(text)
  await client.query('update warm set n = n + $1 where id = $2', [1, 7])
  await client.query('select n from warm where id = $1', [7])
  await client.end()
}

const codeCount = (): number =>
  FOLDERS.flatMap((folder) => readdirSync(folder)).filter((name) => name.endsWith('-code')).length

async function precompile(data: string): Promise<void> {
  for (const folder of FOLDERS)
    for (const name of readdirSync(folder)) if (name.endsWith('-code')) rmSync(join(folder, name))
  const first = await serve(data, {})
  await ask(first.port)
  await end(first, 'SIGKILL')
  const second = await serve(data, { BOREALIS_CODE_CACHE_AFTER_MS: String(WRITE_AFTER_MS) })
  try {
    await ask(second.port)
    for (let waitedMs = 0; codeCount() < 2 && waitedMs < PATIENCE_MS; waitedMs += 100) await sleep(100)
  } finally {
    await end(second, 'SIGTERM')
  }
}

const data = mkdtempSync(join(tmpdir(), 'borealis-precompile-'))
try {
  await precompile(data)
} catch (error) {
  process.stderr.write(
    `starts will be slower at first: ${error instanceof Error ? error.message : String(error)}\n`,
  )
} finally {
  rmSync(data, { recursive: true, force: true })
}
