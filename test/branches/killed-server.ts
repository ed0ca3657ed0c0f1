// A server of its own process that is killed with kill -9 and started again on the same data.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { waitUntilReady } from '../support/postgres.ts'

export class KilledServer {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'borealis-kill-'))
  #running: ChildProcess | undefined

  async start(port: number): Promise<void> {
    const flags = ['serve', '--data', this.#directory, '--port', String(port), '--log-level', 'error']
    this.#running = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts', ...flags], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    await waitUntilReady(port, 60_000)
  }

  async kill(): Promise<void> {
    const child = this.#running
    if (child === undefined) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  /** Kills it and removes its data. */
  remove(): void {
    this.#running?.kill('SIGKILL')
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** A client that does not mind losing its server. */
export async function connectTo(port: number, database: string): Promise<pg.Client> {
  const made = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database })
  made.on('error', () => undefined)
  await made.connect()
  return made
}
