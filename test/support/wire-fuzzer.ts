// Sends a server messages that are malformed, truncated, oversized or out of order, and checks that it still serves and
// that a bystander's session, open in a transaction all the while, notices nothing.
//
//   bystander   login, begin ......... select 1 (T) ......... select 1 (T) ......... rollback (I)
//   attackers   login, burst of broken messages, vanish │ login, burst, vanish │ junk instead of a login │ ...

import { connect, type Socket } from 'node:net'
import { serialize } from 'pg-protocol'
import { RawClient } from './raw-client.ts'
import { Seeded } from './seeded.ts'

export interface FuzzOptions {
  readonly port: number
  readonly messages: number
  readonly seed: number
  /** Statements that start a COPY, besides plain ones. */
  readonly texts: readonly string[]
  readonly report?: (sent: number) => void
}

export interface FuzzOutcome {
  readonly sent: number
  readonly connections: number
  readonly checks: number
}

const ATTACKER_COUNT = 8
const BURST_LENGTH_MAX = 200
/** A check of the bystander after so many attacks. */
const CHECK_INTERVAL = 20
const CLOSE_TIMEOUT_MS = 5_000
const TYPES = 'QPBEDCSHFdcf'.split('')
/** Types that end a connection: rare, so that bursts live. */
const LAST_TYPES = 'XpR1Z\0\xff'.split('')
const LENGTHS = [0, 3, 4, 5, -1, 9_999, 10_001, 65_536, 0x3fff_ffff, 0x7fff_ffff, -0x8000_0000]

/** Runs until `messages` have been sent. Throws when the server fails a check. */
export async function fuzzWire(options: FuzzOptions): Promise<FuzzOutcome> {
  const { port, seed } = options
  const bystander = await RawClient.login(port)
  await bystander.query('begin')
  let sent = 0
  let connections = 0
  let checks = 0
  const attack = async (lane: number): Promise<void> => {
    const chance = new Seeded(seed * 31 + lane)
    while (sent < options.messages) {
      const burst = chance.below(10) === 0 ? startupJunk(chance) : loginAndBurst(chance, options.texts)
      sent += burst.length
      connections++
      await assault(port, burst, chance)
      if (connections % CHECK_INTERVAL !== 0) continue
      options.report?.(sent)
    }
  }
  const check = async (): Promise<void> => {
    while (sent < options.messages) {
      await expectAnswer(bystander, 'T', seed)
      checks++
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await Promise.all([check(), ...Array.from({ length: ATTACKER_COUNT }, (_, lane) => attack(lane))])

  await expectAnswer(bystander, 'T', seed)
  await bystander.query('rollback')
  bystander.close()
  const newcomer = await RawClient.login(port)
  await expectAnswer(newcomer, 'I', seed)
  newcomer.close()
  return { sent, connections, checks: checks + 2 }
}

async function expectAnswer(client: RawClient, status: string, seed: number): Promise<void> {
  const lines = await client.query('select 1')
  const answer = lines.filter((line) => !/^[TN]/.test(line)).join(' / ')
  client.forget()
  if (answer !== `D 1 / C SELECT 1 / Z ${status}`)
    throw new Error(`seed ${seed}: the bystander got "${answer}"`)
}

/** Sends the parts, in pieces of any size, and leaves: politely, abruptly, or when the server has closed. */
function assault(port: number, parts: readonly Buffer[], chance: Seeded): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error('the server neither answered nor closed'))
    }, CLOSE_TIMEOUT_MS)
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') reject(new Error('the server is gone'))
    })
    socket.on('close', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.resume()
    socket.on('connect', () => {
      const bytes = Buffer.concat(parts)
      if (chance.below(4) === 0) sendInPieces(socket, bytes, chance)
      else socket.write(bytes)
      if (chance.below(8) === 0) setImmediate(() => socket.resetAndDestroy())
      else socket.end()
    })
  })
}

function sendInPieces(socket: Socket, bytes: Buffer, chance: Seeded): void {
  socket.setNoDelay(true)
  for (let at = 0; at < bytes.length;) {
    const size = 1 + chance.below(chance.pick([3, 20, 2000]))
    socket.write(bytes.subarray(at, at + size))
    at += size
  }
}

/** Bytes where a startup packet belongs. */
function startupJunk(chance: Seeded): Buffer[] {
  const code = chance.pick([
    0x30000,
    0x30002,
    0x20000,
    80877102,
    80877103,
    80877104,
    chance.below(0x7fff_ffff),
  ])
  const body = chance.pick([
    chance.bytes(chance.below(64)),
    Buffer.from('user\0postgres\0database\0postgres\0\0'),
    Buffer.from('user\0postgres\0options\0-c a\\'),
    Buffer.from('user\0\0\0'),
  ])
  const head = Buffer.alloc(8)
  head.writeInt32BE(chance.below(3) === 0 ? chance.pick(LENGTHS) : 8 + body.length, 0)
  head.writeInt32BE(code, 4)
  const packet = Buffer.concat([head, body])
  return Array.from({ length: 1 + chance.below(4) }, () => packet)
}

function loginAndBurst(chance: Seeded, texts: readonly string[]): Buffer[] {
  const parts = [serialize.startup({ user: 'postgres', database: 'postgres' })]
  const length = 1 + chance.below(BURST_LENGTH_MAX)
  for (let i = 0; i < length; i++) parts.push(message(chance, texts))
  return parts
}

function message(chance: Seeded, texts: readonly string[]): Buffer {
  const valid = validMessage(chance, texts)
  switch (chance.below(12)) {
    case 0: // a random body
      return framed(chance.pick(chance.below(40) === 0 ? LAST_TYPES : TYPES), chance.bytes(chance.below(40)))
    case 1: // cut short inside its frame
      return framed(String.fromCharCode(valid[0] ?? 0), valid.subarray(5, 5 + chance.below(valid.length)))
    case 2: // more than it says
      return framed(
        String.fromCharCode(valid[0] ?? 0),
        Buffer.concat([valid.subarray(5), chance.bytes(chance.below(9))]),
      )
    case 3: // flipped bytes behind the frame
      return flipped(valid, chance)
    case 4: // a length that lies; rarely, since it ends the burst
      if (chance.below(40) === 0) valid.writeInt32BE(chance.pick(LENGTHS), 1)
      return valid
    default: // well formed, but out of order
      return valid
  }
}

function validMessage(chance: Seeded, texts: readonly string[]): Buffer {
  const name = chance.pick(['', '', 'a', 'b', 'x'.repeat(63)])
  const text = chance.pick(texts)
  const values = chance.pick([[], ['1'], [null], ['1', '2'], [chance.bytes(4)]])
  switch (chance.below(16)) {
    case 0:
    case 1:
      return Buffer.from(serialize.query(text))
    case 2:
    case 3:
      return Buffer.from(serialize.parse({ name, text, types: chance.pick([[], [23], [0], [1, 2, 3]]) }))
    case 4:
    case 5:
      return Buffer.from(
        serialize.bind({
          statement: name,
          portal: chance.pick(['', 'p']),
          values,
          binary: chance.below(2) === 0,
        }),
      )
    case 6:
    case 7:
      return Buffer.from(serialize.execute({ portal: chance.pick(['', 'p']), rows: chance.below(3) }))
    case 8:
      return Buffer.from(serialize.describe({ type: chance.pick(['S', 'P'] as const), name }))
    case 9:
      return Buffer.from(serialize.close({ type: chance.pick(['S', 'P'] as const), name }))
    case 10:
      return Buffer.from(serialize.flush())
    case 11:
      return Buffer.from(serialize.copyData(chance.bytes(chance.below(100))))
    case 12:
      return Buffer.from(chance.below(2) === 0 ? serialize.copyDone() : serialize.copyFail('x'))
    case 13:
      return Buffer.from(chance.below(20) === 0 ? serialize.password('p') : serialize.sync())
    default:
      return Buffer.from(serialize.sync())
  }
}

function flipped(valid: Buffer, chance: Seeded): Buffer {
  const bytes = Buffer.from(valid)
  for (let i = chance.below(4); i >= 0 && bytes.length > 5; i--) {
    bytes[5 + chance.below(bytes.length - 5)] = chance.below(256)
  }
  return bytes
}

function framed(type: string, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + body.length)
  bytes.write(type, 0, 'latin1')
  bytes.writeInt32BE(4 + body.length, 1)
  bytes.set(body, 5)
  return bytes
}
