// A client that sends bytes and reads messages, for tests that must see exactly what is on the wire. Each message comes
// as one readable line:
//
//   T a:23:0        D 1|NULL       C SELECT 1       Z I        E ERROR 22012 division by zero
//   S name=value    R 0            K                t 23,25    N NOTICE 00000 hello      G / H / d / c / 1 / 2 / 3 / n / s / I

import { connect, type Socket } from 'node:net'
import { serialize } from 'pg-protocol'

const WAIT_MS = 10_000

interface Waiter {
  readonly isDone: () => boolean
  readonly resolve: () => void
}

export class RawClient {
  readonly lines: string[] = []
  /** Bodies of the messages, as they came. */
  readonly bodies: Buffer[] = []
  isClosed = false
  processId = 0
  secret = 0
  readonly socket: Socket
  #rest = Buffer.alloc(0)
  #waiters: Waiter[] = []
  #taken = 0

  private constructor(socket: Socket) {
    this.socket = socket
    this.attach(socket)
  }

  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RawClient(socket))
      })
    })
  }

  /** Opens a connection and runs a trusting startup. */
  static async login(port: number, parameters: Record<string, string> = {}): Promise<RawClient> {
    const client = await RawClient.open(port)
    client.send(serialize.startup({ user: 'postgres', database: 'postgres', ...parameters }))
    await client.until('Z')
    return client
  }

  /** Reads from `socket` (once more when TLS begins). */
  attach(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
  }

  send(...parts: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(parts))
  }

  /** The messages since the last call, up to and including the first line that starts with `prefix`. */
  async until(prefix: string): Promise<string[]> {
    const find = (): number =>
      this.lines.findIndex((line, index) => index >= this.#taken && line.startsWith(prefix))
    await this.#wait(() => find() >= 0 || this.isClosed, `a message "${prefix}"`)
    const at = find()
    const end = at < 0 ? this.lines.length : at + 1
    const taken = this.lines.slice(this.#taken, end)
    this.#taken = end
    return taken
  }

  /** Everything since the last call, up to the end of the connection. */
  async untilClosed(): Promise<string[]> {
    await this.#wait(() => this.isClosed, 'the end of the connection')
    const taken = this.lines.slice(this.#taken)
    this.#taken = this.lines.length
    return taken
  }

  /** Sends a simple query and returns its messages up to ReadyForQuery. */
  query(text: string): Promise<string[]> {
    this.send(serialize.query(text))
    return this.until('Z')
  }

  /** One byte, read before any message framing: the answer to SSLRequest. */
  firstByte(): Promise<string> {
    return new Promise((resolve) => {
      this.socket.removeAllListeners('data')
      this.socket.once('data', (chunk: Buffer) => {
        this.attach(this.socket)
        resolve(chunk.toString('latin1'))
      })
    })
  }

  /** Drops what was received and taken, for long runs. */
  forget(): void {
    this.lines.length = 0
    this.bodies.length = 0
    this.#taken = 0
  }

  close(): void {
    this.socket.destroy()
  }

  #wait(isDone: () => boolean, what: string): Promise<void> {
    if (isDone()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no ${what}; so far: ${this.lines.join(' / ')}`)),
        WAIT_MS,
      )
      const waiter = {
        isDone,
        resolve: () => {
          clearTimeout(timer)
          resolve()
        },
      }
      this.#waiters.push(waiter)
    })
  }

  #wake(): void {
    const done = this.#waiters.filter((waiter) => waiter.isDone())
    this.#waiters = this.#waiters.filter((waiter) => !done.includes(waiter))
    for (const waiter of done) waiter.resolve()
  }

  #receive(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= 5) {
      const length = this.#rest.readInt32BE(1)
      if (this.#rest.length < 1 + length) break
      const type = String.fromCharCode(this.#rest[0] ?? 0)
      const body = this.#rest.subarray(5, 1 + length)
      this.#rest = this.#rest.subarray(1 + length)
      if (type === 'K') {
        this.processId = body.readInt32BE(0)
        this.secret = body.readInt32BE(4)
      }
      this.lines.push(`${type} ${describeBody(type, body)}`.trimEnd())
      this.bodies.push(Buffer.from(body))
    }
    this.#wake()
  }
}

/** Code letter to value of an ErrorResponse or NoticeResponse. */
export function reportFields(body: Buffer): Map<string, string> {
  const fields = new Map<string, string>()
  for (const part of body.toString('utf8').split('\0'))
    if (part !== '') fields.set(part[0] ?? '', part.slice(1))
  return fields
}

function describeBody(type: string, body: Buffer): string {
  switch (type) {
    case 'E':
    case 'N': {
      const fields = reportFields(body)
      return `${fields.get('S') ?? ''} ${fields.get('C') ?? ''} ${fields.get('M') ?? ''}`
    }
    case 'C':
      return body.toString('utf8', 0, body.length - 1)
    case 'Z':
      return body.toString('latin1')
    case 'S':
      return body.toString('utf8', 0, body.length - 1).replace('\0', '=')
    case 'R':
      return String(body.readInt32BE(0))
    case 'D':
      return describeRow(body)
    case 'T':
      return describeFields(body)
    case 't':
      return Array.from({ length: body.readInt16BE(0) }, (_, index) => body.readInt32BE(2 + index * 4)).join(
        ',',
      )
    default:
      return ''
  }
}

function describeRow(body: Buffer): string {
  const columns: string[] = []
  let at = 2
  for (let i = body.readInt16BE(0); i > 0; i--) {
    const length = body.readInt32BE(at)
    at += 4
    columns.push(length < 0 ? 'NULL' : body.toString('utf8', at, at + length))
    at += Math.max(0, length)
  }
  return columns.join('|')
}

function describeFields(body: Buffer): string {
  const fields: string[] = []
  let at = 2
  for (let i = body.readInt16BE(0); i > 0; i--) {
    const end = body.indexOf(0, at)
    fields.push(
      `${body.toString('utf8', at, end)}:${body.readInt32BE(end + 7)}:${body.readInt16BE(end + 17)}`,
    )
    at = end + 19
  }
  return fields.join(',')
}
