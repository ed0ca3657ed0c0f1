// Transport and listener over real sockets on loopback, with a node that only echoes.

import { createConnection } from 'node:net'
import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'

import type { Epoch } from '../../storage/base/ids.ts'
import { testClock } from '../../storage/base/testing/test-env.ts'
import type { Caller } from '../../storage/message/greeting.ts'
import type { NodeMessage, VolumeMessage } from '../../storage/message/message.ts'
import { SAMPLE_REQUESTS } from '../../storage/message/testing/sample-messages.ts'
import { STORAGE_CONNECTION_COUNT_MAX } from '../limits.ts'
import { NodeListener, type NodeListenerOptions } from './node-listener.ts'
import { TcpPeers, type TcpSurroundings, TcpTransport } from './tcp-transport.ts'

const CALLER: Caller = { clusterId: 'one', role: 'writer', node: 0 }
const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

async function listen(options: Partial<NodeListenerOptions> = {}): Promise<NodeListener> {
  const listener = await NodeListener.open({
    host: '127.0.0.1',
    port: 0,
    security: { secret: undefined, tls: undefined },
    clock: testClock,
    log: pino({ level: 'silent' }),
    self: () => ({ clusterId: 'one', node: 3, zone: 'az1' }),
    handle: (message, reply) => reply({ kind: 'done', id: message.id }),
    ...options,
  })
  open.push(listener)
  return listener
}

function around(
  options: { readonly secret?: string; readonly caller?: Partial<Caller> } = {},
): TcpSurroundings {
  const security = { secret: options.secret, tls: undefined }
  return { security, clock: testClock, caller: () => ({ ...CALLER, ...options.caller }) }
}

function reach(listener: NodeListener, surroundings = around(), node: number | undefined = 3): TcpTransport {
  const transport = new TcpTransport({ address: `127.0.0.1:${listener.port}`, node }, surroundings)
  open.push(transport)
  return transport
}

function ask(transport: TcpTransport, messages: readonly VolumeMessage[]): Promise<NodeMessage[]> {
  return new Promise((resolve, reject) => {
    const answers: NodeMessage[] = []
    transport.onMessage((answer) => {
      answers.push(answer)
      if (answers.length === messages.length) resolve(answers)
    })
    transport.onClose(reject)
    for (const message of messages) transport.send(message)
  })
}

const statistics = (id: number): VolumeMessage => ({
  kind: 'statistics',
  id,
  volumeEpoch: 1 as Epoch,
  membershipEpoch: 1 as Epoch,
})

test('every request arrives as it was sent, also those sent before the connection stood', async () => {
  const seen: VolumeMessage[] = []
  const listener = await listen({
    handle(message, reply) {
      seen.push(message)
      reply({ kind: 'done', id: message.id })
    },
  })
  const sent = SAMPLE_REQUESTS.filter(({ kind }) => kind !== 'shut-down')
  const transport = reach(listener)
  await ask(transport, sent)
  expect(seen).toEqual(sent)
  expect(await transport.greeted()).toEqual({ clusterId: 'one', node: 3, zone: 'az1' })
})

test('the secret must be the same on both sides', async () => {
  const security = { secret: 'open sesame', tls: undefined }
  const listener = await listen({ security })
  await reach(listener, around({ secret: 'open sesame' })).greeted()
  const wrong = reach(listener, around({ secret: 'open barley' }))
  await expect(wrong.greeted()).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('the caller does not know the cluster secret') as string,
  })
  await expect(reach(listener, around()).greeted()).rejects.toMatchObject({ kind: 'refused' })
})

test('another cluster, or another node than expected, is refused by name', async () => {
  const listener = await listen()
  const stranger = reach(listener, around({ caller: { clusterId: 'two' } }))
  await expect(stranger.greeted()).rejects.toThrow('node 3 belongs to cluster one, the caller to cluster two')
  await expect(reach(listener, around(), 4).greeted()).rejects.toThrow(
    'node 3 listens where node 4 was expected',
  )
})

test('a peer reads, a tool looks, neither writes', async () => {
  const listener = await listen()
  const append = SAMPLE_REQUESTS.find(({ kind }) => kind === 'append') as VolumeMessage
  for (const role of ['peer', 'tool'] as const) {
    const transport = reach(listener, around({ caller: { role } }))
    const [looked, wrote] = await ask(transport, [statistics(1), append])
    expect(looked).toMatchObject({ kind: 'done' })
    expect(wrote).toMatchObject({ kind: 'failed', failure: 'refused' })
  }
})

test('a volume that closes does not stop a node that is a process', async () => {
  const listener = await listen({ handle: () => expect.unreachable('shut-down is the listener’s') })
  const shutDown = SAMPLE_REQUESTS.find(({ kind }) => kind === 'shut-down') as VolumeMessage
  expect(await ask(reach(listener), [shutDown])).toEqual([{ kind: 'done', id: shutDown.id }])
})

test('nobody there, and a connection that is lost, are told', async () => {
  const listener = await listen()
  const transport = reach(listener)
  await transport.greeted()
  const lost = new Promise((resolve) => transport.onClose(resolve))
  await listener.close()
  expect(await lost).toMatchObject({ kind: 'io' })
  const nobody = new TcpTransport({ address: '127.0.0.1:1', node: undefined }, around())
  await expect(nobody.greeted()).rejects.toMatchObject({ kind: 'io' })
  expect(await new Promise((resolve) => nobody.onClose(resolve))).toMatchObject({ kind: 'io' })
})

test('there is an end to how many connections a node takes, and room again when some have gone', async () => {
  const listener = await listen()
  const taken = Array.from({ length: STORAGE_CONNECTION_COUNT_MAX }, () => reach(listener))
  await Promise.all(taken.map((transport) => transport.greeted()))
  await expect(reach(listener).greeted()).rejects.toMatchObject({ kind: 'io' })
  await taken[0]?.close()
  await vi.waitFor(async () => {
    await reach(listener).greeted()
  })
})

test('what is no protocol, or too large a greeting, is cut off', async () => {
  const listener = await listen()
  const giant = Buffer.from('424c4601010000000000100000000000', 'hex')
  for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), giant, Buffer.alloc(100)]) {
    const socket = createConnection({ host: '127.0.0.1', port: listener.port })
    await new Promise<void>((resolve) => {
      socket.on('error', () => undefined)
      socket.on('close', () => resolve())
      socket.write(Buffer.concat([bytes, Buffer.alloc(64)]))
    })
  }
  await reach(listener).greeted()
})

test('a peer is one connection until it is closed, then another, after a pause', async () => {
  const listener = await listen()
  const peers = new TcpPeers(around({ caller: { role: 'peer', node: 1 } }))
  open.push(peers)
  const address = `127.0.0.1:${listener.port}`
  const first = peers.reach(3, address) as TcpTransport
  expect(peers.reach(3, address)).toBe(first)
  await first.greeted()
  await first.close()
  await first.ended()
  const second = peers.reach(3, address) as TcpTransport
  expect(second).not.toBe(first)
  expect(await ask(second, [statistics(5)])).toMatchObject([{ kind: 'done', id: 5 }])
  expect(() => peers.reach(4, undefined)).toThrow(/embedded in another process/)
})
