// A Borealis server inside the test's process: a free port, a new directory, all of it gone afterwards.
//
// BOREALIS_TEST_TARGET=PORT runs the tests against a server that is already there instead, of whatever make: two
// PostgreSQL servers, for example, to see that the comparison itself is sound.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerOptions } from '../../server/options/options.ts'

export interface TestServer {
  readonly port: number
  readonly directory: string
  close(): Promise<void>
}

/** Starts one. With `directory` in the options, that one is used and kept. */
export async function startBorealis(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const target = process.env['BOREALIS_TEST_TARGET']
  if (target !== undefined) return { port: Number(target), directory: '', close: () => Promise.resolve() }
  const directory = options.data ?? mkdtempSync(join(tmpdir(), 'borealis-test-'))
  // Loaded only here: with a target, the server's own code is not needed.
  const { start } = await import('../../server/start.ts')
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
