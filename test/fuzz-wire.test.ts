// A short run of the fuzzer with a fixed seed (`npm run fuzz` runs a long one).

import { expect, test } from 'vitest'
import { startFake } from './support/fake-server.ts'
import { fuzzWire } from './support/wire-fuzzer.ts'

const TEXTS = ['select 1', 'begin', 'commit', 'error', 'notice', 'wait', 'copy in', 'rows 5', 'bad', '']

test('20,000 broken messages leave the server and the bystander alone', { timeout: 60_000 }, async () => {
  const { port, server, logged } = await startFake()
  const outcome = await fuzzWire({ port, messages: 20_000, seed: 1, texts: TEXTS })
  expect(outcome.checks).toBeGreaterThan(2)
  await server.close()
  expect(logged).toEqual([])
})
