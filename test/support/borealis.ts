// A Borealis server inside the test's process: a free port, a new directory, all of it gone afterwards.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerOptions } from '../../server/options.ts'
import { start } from '../../server/start.ts'

export interface TestServer {
  readonly port: number
  readonly directory: string
  close(): Promise<void>
}

/** Starts one. With `directory` in the options, that one is used and kept. */
export async function startBorealis(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const directory = options.data ?? mkdtempSync(join(tmpdir(), 'borealis-test-'))
  const server = await start({ port: 0, ...options, data: directory })
  return {
    port: server.port,
    directory,
    async close() {
      await server.close()
      if (options.data === undefined) rmSync(directory, { recursive: true, force: true })
    },
  }
}
