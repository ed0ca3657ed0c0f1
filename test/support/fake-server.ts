// The wire front end before a FakeBackend, on a free port, inside the test's process.

import { pino } from 'pino'
import { DEFAULT_OPTIONS, type ServerOptions } from '../../server/options/options.ts'
import { type RunningServer, runServer } from '../../server/running-server.ts'
import { FakeBackend, type FakeOptions } from './fake-backend.ts'

export interface FakeServer {
  readonly backend: FakeBackend
  readonly server: RunningServer
  readonly port: number
  /** What was logged, parsed. */
  readonly logged: Record<string, unknown>[]
}

export async function startFake(
  options: Partial<ServerOptions> = {},
  fake: FakeOptions = {},
): Promise<FakeServer> {
  const logged: Record<string, unknown>[] = []
  const write = (line: string): void => {
    logged.push(JSON.parse(line) as Record<string, unknown>)
  }
  const backend = new FakeBackend(fake)
  const log = pino({ level: 'info', base: null }, { write })
  const server = await runServer({ ...DEFAULT_OPTIONS, port: 0, ...options }, log, () =>
    Promise.resolve({ backend, close: () => backend.close() }),
  )
  return { backend, server, port: server.port, logged }
}
