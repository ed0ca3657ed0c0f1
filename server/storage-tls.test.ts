// TLS between a server and its storage nodes, over real sockets, with two authorities that `openssl` makes: who shows no
// certificate of the right one gets no word in, whichever side it is.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import type { Epoch } from '../storage/base/ids.ts'
import { testClock } from '../storage/base/testing/test-env.ts'
import type { NodeMessage, VolumeMessage } from '../storage/message/message.ts'
import { CLUSTER_SECURITY_DEFAULTS, type ClusterSecurityOptions } from './options/cluster-security-options.ts'
import { loadClusterSecurity } from './nodes/cluster-security.ts'
import { StartError } from './start-error.ts'
import { NodeListener } from './nodes/node-listener.ts'
import { TcpTransport } from './nodes/tcp-transport.ts'

const directory = mkdtempSync(join(tmpdir(), 'borealis-tls-'))
const file = (name: string): string => join(directory, name)
const open: { close(): Promise<void> }[] = []

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
}

/** An authority `name`, and a certificate of it for 127.0.0.1. */
function makeAuthority(name: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    'req',
    '-x509',
    ...key,
    '-subj',
    `/CN=${name}`,
    '-keyout',
    `${name}-ca.key`,
    '-out',
    `${name}-ca.pem`,
  )
  openssl('req', ...key, '-subj', '/CN=node', '-keyout', `${name}.key`, '-out', `${name}.csr`)
  writeFileSync(file('names.cnf'), 'subjectAltName=IP:127.0.0.1')
  const authority = ['-CA', `${name}-ca.pem`, '-CAkey', `${name}-ca.key`, '-CAcreateserial']
  openssl('x509', '-req', '-in', `${name}.csr`, ...authority, '-extfile', 'names.cnf', '-out', `${name}.pem`)
}

beforeAll(() => {
  makeAuthority('ours')
  makeAuthority('theirs')
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

const OURS: ClusterSecurityOptions = {
  clusterSecret: 'between us',
  storageTlsCert: file('ours.pem'),
  storageTlsKey: file('ours.key'),
  storageTlsCa: file('ours-ca.pem'),
}

async function listen(options: ClusterSecurityOptions): Promise<NodeListener> {
  const listener = await NodeListener.open({
    host: '127.0.0.1',
    port: 0,
    security: loadClusterSecurity(options),
    clock: testClock,
    log: pino({ level: 'silent' }),
    self: () => ({ clusterId: 'one', node: 3, zone: 'az1' }),
    handle: (message, reply) => reply({ kind: 'done', id: message.id }),
  })
  open.push(listener)
  return listener
}

function reach({ port }: NodeListener, options: ClusterSecurityOptions): TcpTransport {
  const transport = new TcpTransport(
    { address: `127.0.0.1:${port}`, node: 3 },
    {
      security: loadClusterSecurity(options),
      clock: testClock,
      caller: () => ({ clusterId: 'one', role: 'writer', node: 0 }),
    },
  )
  open.push(transport)
  return transport
}

/** What a caller is told in the end: it may be greeted, or even have sent something, before the other side has looked at it. */
function refusalOf(transport: TcpTransport): Promise<Error> {
  return new Promise((resolve, reject) => {
    transport.onClose(resolve)
    transport.greeted().then(() => reject(new Error('it was let in')), resolve)
  })
}

test('both sides show a certificate of the authority, and talk', async () => {
  const transport = reach(await listen(OURS), OURS)
  expect(await transport.greeted()).toEqual({ clusterId: 'one', node: 3, zone: 'az1' })
  const batch = Buffer.alloc(3_000_000, 7)
  const epochs = { volumeEpoch: 1 as Epoch, membershipEpoch: 1 as Epoch }
  const answer = new Promise<NodeMessage>((resolve) => transport.onMessage(resolve))
  const append: VolumeMessage = { kind: 'append', id: 9, ...epochs, batches: [batch] }
  transport.send(append)
  expect(await answer).toEqual({ kind: 'done', id: 9 })
})

test('what is said cannot be read on the way', async () => {
  const listener = await listen(OURS)
  const socket = connect({ host: '127.0.0.1', port: listener.port })
  const heard: Buffer[] = []
  socket.on('data', (chunk: Buffer) => heard.push(chunk))
  await new Promise<void>((resolve) => {
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.write(Buffer.concat([Buffer.from('BLF\u0001\u0001\0\0\0'), Buffer.alloc(64)]))
  })
  expect(Buffer.concat(heard).includes('az1')).toBe(false)
})

test('a node of another authority is not spoken to', async () => {
  const theirs = { storageTlsCert: file('theirs.pem'), storageTlsKey: file('theirs.key') }
  const listener = await listen({ ...OURS, ...theirs, storageTlsCa: file('ours-ca.pem') })
  const refusal = await refusalOf(reach(listener, OURS))
  expect(refusal).toMatchObject({ kind: 'refused' })
  expect(refusal.message).toMatch(/its certificate is not accepted: unable to verify the first certificate/)
})

test('a caller of another authority, or without a certificate, is not heard', async () => {
  const listener = await listen(OURS)
  const theirs = { storageTlsCert: file('theirs.pem'), storageTlsKey: file('theirs.key') }
  const none = { storageTlsCert: undefined, storageTlsKey: undefined }
  const refused = async (certificate: Partial<ClusterSecurityOptions>): Promise<Error> =>
    refusalOf(reach(listener, { ...OURS, ...certificate }))
  expect(await refused(theirs)).toMatchObject({ kind: 'refused' })
  expect((await refused(theirs)).message).toContain('that of the caller is not of it')
  expect((await refused(none)).message).toContain(
    'callers must show a certificate of the authority; that of the caller is missing',
  )
})

test('the right certificate does not stand in for the secret', async () => {
  const listener = await listen(OURS)
  const refusal = await refusalOf(reach(listener, { ...OURS, clusterSecret: 'what is it' }))
  expect(refusal.message).toContain('the caller does not know the cluster secret')
})

test('plain and TLS do not understand each other, and say so', async () => {
  const plain = { ...CLUSTER_SECURITY_DEFAULTS, clusterSecret: OURS.clusterSecret }
  const toTls = await refusalOf(reach(await listen(OURS), plain))
  expect(toTls.message).toMatch(/closed|ECONNRESET|does not speak the storage protocol/)
  const toPlain = await refusalOf(reach(await listen(plain), OURS))
  expect(toPlain.message).toMatch(/TLS|SSL|closed|disconnected/)
})

test('files that do not fit are refused at the start', () => {
  expect(() => loadClusterSecurity({ ...OURS, storageTlsKey: file('theirs.key') })).toThrow(StartError)
  expect(() => loadClusterSecurity({ ...OURS, storageTlsCa: file('none.pem') })).toThrow(/none\.pem/)
  expect(() => loadClusterSecurity({ ...OURS, storageTlsKey: undefined })).toThrow('given together')
})
