// How two processes of a cluster meet: before the first request each side says who it is and proves that it knows the
// cluster's secret. Both sides are machines that take frames and give frames; sockets are the caller's.
//
//   caller                                                   node
//     │ hello: protocol, cluster, role, number, nonce ────▶   │ another protocol or cluster: refusal
//     │ ◀──── challenge: protocol, cluster, node, zone, nonce │
//     │ proof: HMAC(secret, 'caller' + hello + challenge) ──▶ │ wrong: refusal
//     │ ◀──── welcome: HMAC(secret, 'node' + hello + challenge)
//
// The MACs are HMAC-SHA-256 over both greetings as they went over the wire, so that neither can be replayed, reflected
// or changed; the secret itself never travels. Where no secret is configured proofs are empty, and a side that has one
// refuses them. A caller that does not know its cluster yet sends an empty name; so does a node that was never used.
//
// The kind byte, `protocol` and the refusal keep their form in every version: each side can always say why not.

import { createHmac, timingSafeEqual } from 'node:crypto'

import { StorageError } from '../base/errors.ts'
import {
  bytes,
  choice,
  count,
  type Field,
  FieldReader,
  FieldWriter,
  malformed,
  record,
  text,
} from './field.ts'
import { encodeFrame, type Frame } from './frame.ts'
import { PROTOCOL_VERSION } from './message.ts'

/** What a caller wants: write the volume, fill itself as another node, or look. */
export type CallerRole = 'writer' | 'peer' | 'tool'

/** Who calls. */
export interface Caller {
  /** Empty when it does not know it yet. */
  readonly clusterId: string
  readonly role: CallerRole
  /** Number of the node that calls, 0 if it is none. */
  readonly node: number
}

/** Who was called. */
export interface Callee {
  /** Empty on a node that belongs to no cluster yet. */
  readonly clusterId: string
  readonly node: number
  readonly zone: string
}

export const NONCE_SIZE_BYTES = 16

const HELLO = 1
const CHALLENGE = 2
const PROOF = 3
const WELCOME = 4
const REFUSAL = 5

type Nonce = { readonly nonce: Uint8Array }

const hello: Field<Caller & Nonce> = record<Caller & Nonce>({
  clusterId: text,
  role: choice<CallerRole>({ writer: 1, peer: 2, tool: 3 }),
  node: count(),
  nonce: bytes,
})
const challenge: Field<Callee & Nonce> = record<Callee & Nonce>({
  clusterId: text,
  node: count(),
  zone: text,
  nonce: bytes,
})
const proof: Field<{ readonly mac: Uint8Array }> = record<{ readonly mac: Uint8Array }>({ mac: bytes })
const refusal: Field<{ readonly isVersion: number; readonly why: string }> = record<{
  readonly isVersion: number
  readonly why: string
}>({ isVersion: count(), why: text })

function encode<T>(kind: number, field: Field<T>, value: T): Buffer {
  const writer = new FieldWriter()
  writer.count(kind)
  if (kind === HELLO || kind === CHALLENGE) writer.count(PROTOCOL_VERSION)
  field.write(writer, value)
  return Buffer.concat(encodeFrame('greeting', writer.head.copy(), writer.tail))
}

/** Reads a greeting of one kind. Throws StorageError: what the other side refused with, 'version', 'corrupt'. */
function decode<T>(frame: Frame, kind: number, field: Field<T>): T {
  const reader = open(frame)
  const found = reader.count()
  if (found === REFUSAL) {
    const { isVersion, why } = refusal.read(reader)
    throw new StorageError(isVersion === 1 ? 'version' : 'refused', why)
  }
  if (found !== kind) throw malformed(`greeting ${found} where ${kind} belongs`)
  if (kind === HELLO || kind === CHALLENGE) checkProtocol(reader.count())
  const value = field.read(reader)
  reader.finish()
  return value
}

function open(frame: Frame): FieldReader {
  if (frame.kind !== 'greeting') throw malformed(`a ${frame.kind} before the greeting`)
  return new FieldReader(frame.head, frame.tail)
}

function checkProtocol(protocol: number): void {
  if (protocol === PROTOCOL_VERSION) return
  const message = `the other side speaks version ${protocol} of the storage protocol, this side version ${PROTOCOL_VERSION}`
  throw new StorageError('version', message)
}

/** The frame that tells the other side why the connection ends. */
export function encodeRefusal(error: StorageError): Buffer {
  return encode(REFUSAL, refusal, { isVersion: error.kind === 'version' ? 1 : 0, why: error.message })
}

function mac(secret: string | undefined, side: string, greetings: readonly Buffer[]): Buffer {
  if (secret === undefined) return Buffer.alloc(0)
  const hmac = createHmac('sha256', secret).update(`borealis ${side}\0`)
  for (const greeting of greetings) hmac.update(greeting)
  return hmac.digest()
}

function equals(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Both may be empty; two names that differ are two clusters. */
function checkCluster(caller: Caller, callee: Callee): void {
  if (caller.clusterId === '' || callee.clusterId === '' || caller.clusterId === callee.clusterId) return
  const message = `node ${callee.node} belongs to cluster ${callee.clusterId}, the caller to cluster ${caller.clusterId}`
  throw new StorageError('refused', message)
}

/** The bytes of a frame of greetings, as the other side's MAC covers them. */
function wire(frame: Frame): Buffer {
  return Buffer.concat(encodeFrame(frame.kind, frame.head, [frame.tail]))
}

interface Secrets {
  readonly secret: string | undefined
  /** NONCE_SIZE_BYTES unpredictable bytes, used once. */
  readonly nonce: Uint8Array
}

/** The side that connects. Every method throws StorageError: 'refused', 'version' or 'corrupt'. */
export class CallerGreeting {
  readonly #self: Caller
  readonly #secrets: Secrets
  readonly #hello: Buffer
  #challenge: Buffer | undefined
  #callee: Callee | undefined

  constructor(self: Caller, secrets: Secrets) {
    this.#self = self
    this.#secrets = secrets
    this.#hello = encode(HELLO, hello, { ...self, nonce: secrets.nonce })
  }

  /** What to send first. */
  start(): Buffer {
    return this.#hello
  }

  /** Takes the next greeting: an answer to send, or the one who was called once it is proved. */
  receive(frame: Frame): Buffer | Callee {
    const { secret } = this.#secrets
    if (this.#challenge === undefined || this.#callee === undefined) {
      const { clusterId, node, zone } = decode(frame, CHALLENGE, challenge)
      checkCluster(this.#self, { clusterId, node, zone })
      this.#callee = { clusterId, node, zone }
      this.#challenge = wire(frame)
      return encode(PROOF, proof, { mac: mac(secret, 'caller', [this.#hello, this.#challenge]) })
    }
    const welcome = decode(frame, WELCOME, proof)
    if (!equals(welcome.mac, mac(secret, 'node', [this.#hello, this.#challenge])))
      throw new StorageError('refused', `node ${this.#callee.node} does not know the cluster secret`)
    return this.#callee
  }
}

/** The side that listens; as CallerGreeting. */
export class CalleeGreeting {
  readonly #self: () => Callee
  readonly #secrets: Secrets
  #hello: Buffer | undefined
  #challenge: Buffer | undefined
  #caller: Caller | undefined

  constructor(self: () => Callee, secrets: Secrets) {
    this.#self = self
    this.#secrets = secrets
  }

  /** Takes the next greeting; `caller` is there once it is proved, and `send` is to be sent in any case. */
  receive(frame: Frame): { readonly send: Buffer; readonly caller: Caller | undefined } {
    const { secret, nonce } = this.#secrets
    if (this.#hello === undefined || this.#challenge === undefined) {
      const { clusterId, role, node } = decode(frame, HELLO, hello)
      const self = this.#self()
      this.#caller = { clusterId, role, node }
      checkCluster(this.#caller, self)
      this.#hello = wire(frame)
      this.#challenge = encode(CHALLENGE, challenge, { ...self, nonce })
      return { send: this.#challenge, caller: undefined }
    }
    const greetings = [this.#hello, this.#challenge]
    if (!equals(decode(frame, PROOF, proof).mac, mac(secret, 'caller', greetings))) {
      const why =
        secret === undefined
          ? 'has a cluster secret and this node has none'
          : 'does not know the cluster secret'
      throw new StorageError('refused', `the caller ${why} (--cluster-secret)`)
    }
    return { send: encode(WELCOME, proof, { mac: mac(secret, 'node', greetings) }), caller: this.#caller }
  }
}
