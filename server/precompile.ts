// Last step of the build: has built servers run what every start runs, so that V8's code of it is there from the first
// start on (compiled-bundle.ts).
//
//   serve, write ─▶ kill -9 ─▶ serve again: recovery, first answers ─▶ code of command.cjs and worker.cjs
//   storage-node ◀─ serve --storage, write                          ─▶ code of storage-node-command.cjs
//
// Where that fails nothing is missing: the first server that runs for a while writes the same files.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

const PATIENCE_MS = 20_000
const FOLDERS = ['.', '../storage/node'].map((path) => fileURLToPath(new URL(path, import.meta.url)))

const QUERIES = [
  'create table if not exists warm (id int primary key, n int, t text)',
  'insert into warm select g, g, g::text from generate_series(1, 100) g on conflict do nothing',
  'select count(*), sum(n) from warm where id < 50',
]

const running = new Set<ChildProcess>()

interface Running {
  readonly child: ChildProcess
  readonly port: number
}

async function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Running> {
  const main = fileURLToPath(new URL('main.js', import.meta.url))
  const child = spawn(process.execPath, [main, ...args, '--port', '0', '--log-level', 'error'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (bytes: Buffer) => resolve(String(bytes)))
    child.once('exit', (status) => reject(new Error(`${args[0]} ended with status ${status}`)))
  })
  return { child, port: Number(line.trim().split(':').at(-1)) }
}

async function end({ child }: Running, signal: NodeJS.Signals): Promise<void> {
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

const codeFiles = (): string[] =>
  FOLDERS.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name))).filter((path) =>
    path.endsWith('-code'),
  )

/** Has code written; resolves once so many bundles have some, or when that takes too long. */
async function written(data: string, count: number): Promise<void> {
  writeFileSync(`${data}-ran`, '')
  for (let waitedMs = 0; codeFiles().length < count && waitedMs < PATIENCE_MS; waitedMs += 100)
    await sleep(100)
}

/** What is written is the code of what ran before `written`. */
function writing(data: string): NodeJS.ProcessEnv {
  return { BOREALIS_CODE_CACHE_WHEN: `${data}-ran` }
}

async function embedded(data: string): Promise<void> {
  const first = await start(['serve', '--data', data])
  await ask(first.port)
  await end(first, 'SIGKILL')
  const second = await start(['serve', '--data', data], writing(data))
  await ask(second.port)
  await written(data, 2)
  await end(second, 'SIGTERM')
}

async function remote(data: string): Promise<void> {
  const node = await start(
    ['storage-node', '--id', '1', '--az', 'az1', '--data', `${data}-node`],
    writing(data),
  )
  const storage = ['--storage', `127.0.0.1:${node.port}`, '--quorum', '1,1,1']
  const server = await start(['serve', '--data', `${data}-server`, ...storage])
  await ask(server.port)
  await written(data, 3)
  await end(server, 'SIGTERM')
  await end(node, 'SIGTERM')
}

const directory = mkdtempSync(join(tmpdir(), 'borealis-precompile-'))
try {
  for (const path of codeFiles()) rmSync(path)
  await embedded(join(directory, 'embedded'))
  await remote(join(directory, 'remote'))
} catch (error) {
  process.stderr.write(
    `starts will be slower at first: ${error instanceof Error ? error.message : String(error)}\n`,
  )
} finally {
  for (const child of running) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
}
