// npm run bench -- --cost [--only "tpcb-like prepared 8"] [--count 30000] [--rounds 5]
//
// What a transaction of pgbench's scripts costs the server's thread from the bytes that arrive to the bytes that leave,
// without the operating system: sockets are objects, and the volume forgets what it is given. Prints processor time,
// which on a busy machine says more than wall time.
//
//   Client ──message──▶ Transport ─ Connection ─ session ─ engine ──append──▶ ForgetfulLog, durable at the turn's end
//      ◀───bytes──────────┘

import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { pino } from 'pino'
import { AnswerTurns } from '../server/wire/answer-turns.ts'
import { Connection, type ConnectionHost } from '../server/wire/connection.ts'
import { nodeEnv } from '../server/node-env.ts'
import { Transport } from '../server/wire/transport.ts'
import { createBackend } from '../sql/session/backend.ts'
import { must } from '../storage/base/assert.ts'
import type { PgbenchMode, PgbenchScript } from '../test/support/pgbench.ts'
import { createEngine } from '../storage/engine/create-engine.ts'
import { ForgetfulVolume } from './forgetful-volume.ts'
import { bindMessage, parseMessage, queryMessage, startupMessage, syncMessage } from './client-messages.ts'

export interface CostCase {
  readonly name: string
  readonly script: PgbenchScript
  readonly mode: PgbenchMode
  readonly clients: number
}

export interface CostOptions {
  /** Transactions of one round. The first rounds also pay for compiling. */
  readonly count: number
  readonly rounds: number
}

const SCALE = 2
const ACCOUNTS = 50_000 * SCALE
const READY = 0x5a // 'Z'
const ERROR = 0x45 // 'E'

const SETUP = `
  create table pgbench_branches (bid int primary key, bbalance int, filler char(88));
  create table pgbench_tellers (tid int primary key, bid int, tbalance int, filler char(84));
  create table pgbench_accounts (aid int primary key, bid int, abalance int, filler char(84));
  create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
  insert into pgbench_branches select g, 0, '' from generate_series(1, ${10 * SCALE}) g;
  insert into pgbench_tellers select g, g % 10, 0, '' from generate_series(1, ${100 * SCALE}) g;
  insert into pgbench_accounts select g, 1, 0, '' from generate_series(1, ${ACCOUNTS}) g`

interface Statement {
  readonly text: string
  /** Names of the values that stand for $1, $2, ... */
  readonly parameters: readonly ('aid' | 'bid' | 'tid' | 'delta')[]
}

const SELECT: Statement = {
  text: 'SELECT abalance FROM pgbench_accounts WHERE aid = $1;',
  parameters: ['aid'],
}

const TPCB: readonly Statement[] = [
  { text: 'BEGIN;', parameters: [] },
  {
    text: 'UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2;',
    parameters: ['delta', 'aid'],
  },
  SELECT,
  {
    text: 'UPDATE pgbench_tellers SET tbalance = tbalance + $1 WHERE tid = $2;',
    parameters: ['delta', 'tid'],
  },
  {
    text: 'UPDATE pgbench_branches SET bbalance = bbalance + $1 WHERE bid = $2;',
    parameters: ['delta', 'bid'],
  },
  {
    text: 'INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP);',
    parameters: ['tid', 'bid', 'aid', 'delta'],
  },
  { text: 'END;', parameters: [] },
]

const NOT_SIMPLE = /tellers|branches/

const SCRIPTS: Readonly<Record<PgbenchScript, readonly Statement[]>> = {
  'select-only': [SELECT],
  'tpcb-like': TPCB,
  'simple-update': TPCB.filter(({ text }) => text.startsWith('INSERT') || !NOT_SIMPLE.test(text)),
}

/** The server's side of a connection without a network: what the transport asks of a socket. */
class LoopSocket extends EventEmitter {
  readonly remoteAddress = '127.0.0.1'
  readonly writableLength = 0
  readonly writableNeedDrain = false
  readonly #onReady: () => void

  constructor(onReady: () => void) {
    super()
    this.#onReady = onReady
  }

  setNoDelay(): void {}
  setKeepAlive(): void {}
  resume(): this {
    return this
  }
  pause(): void {}

  write(bytes: Buffer): boolean {
    if (bytes[0] === ERROR) throw new Error(bytes.toString('latin1'))
    if (bytes.length >= 6 && bytes[bytes.length - 6] === READY) this.#onReady()
    return true
  }
}

/** A client that sends its next message as soon as it has the answer to the last. */
class Client {
  readonly socket: LoopSocket
  #messages: readonly Buffer[] = []
  #at = 0

  constructor(ready: Client[]) {
    this.socket = new LoopSocket(() => ready.push(this))
  }

  /** Messages to send in turn, over and over. */
  play(messages: readonly Buffer[]): void {
    this.#messages = messages
    this.#at = 0
  }

  /** Sends one message. */
  step(): void {
    const message = must(this.#messages[this.#at])
    this.#at = this.#at + 1 === this.#messages.length ? 0 : this.#at + 1
    this.socket.emit('data', message)
  }
}

async function connect(host: ConnectionHost, processId: number, ready: Client[]): Promise<Client> {
  const client = new Client(ready)
  const transport = new Transport(client.socket as unknown as Socket)
  void new Connection(transport, { processId, secret: 1 }, host).serve()
  await ask(client, ready, startupMessage('postgres'))
  return client
}

/** Sends one message and waits for its answer. */
async function ask(client: Client, ready: Client[], message: Buffer): Promise<void> {
  client.socket.emit('data', message)
  while (!ready.includes(client)) await turn()
  ready.splice(ready.indexOf(client), 1)
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Transactions enough that no two rounds meet the same rows in the same order, as the messages of each statement. */
function transactions(script: readonly Statement[], mode: PgbenchMode, count: number): Buffer[] {
  const below = (bound: number): number => 1 + Math.floor(Math.random() * bound)
  const messages: Buffer[] = []
  for (let i = 0; i < count; i++) {
    const drawn = {
      aid: below(ACCOUNTS),
      bid: below(10 * SCALE),
      tid: below(100 * SCALE),
      delta: below(10_001) - 5001,
    }
    script.forEach((statement, number) => {
      const parameters = statement.parameters.map((name) => String(drawn[name]))
      messages.push(
        mode === 'simple'
          ? queryMessage(
              statement.text.replaceAll(/\$(\d)/g, (_, n: string) => must(parameters[Number(n) - 1])),
            )
          : bindMessage(`P0_${number}`, parameters),
      )
    })
  }
  return messages
}

async function openHost(volume: ForgetfulVolume): Promise<ConnectionHost> {
  const { clock, prng } = nodeEnv
  const engine = createEngine({ volume, clock, poolSizeBytes: 256 * 1024 * 1024 })
  const backend = await createBackend({ engine, volume, clock, prng })
  return {
    backend,
    clock,
    log: pino({ level: 'silent' }),
    slowMs: undefined,
    turns: new AnswerTurns(nodeEnv.clock),
    authMethod: 'trust',
    secureContext: undefined,
    cancel: () => undefined,
    admit: () => undefined,
    checkReserved: () => undefined,
    release: () => undefined,
  }
}

/** Prints the processor time of a transaction, round by round. The rounds go on where the one before stopped. */
export async function printCost(one: CostCase, { count, rounds }: CostOptions): Promise<void> {
  const volume = new ForgetfulVolume({ clock: nodeEnv.clock })
  const host = await openHost(volume)
  const script = SCRIPTS[one.script]
  const ready: Client[] = []
  const clients: Client[] = []
  for (let i = 1; i <= one.clients; i++) clients.push(await connect(host, i, ready))
  for (const statement of SETUP.split(';')) await ask(must(clients[0]), ready, queryMessage(statement))
  for (const client of clients) {
    if (one.mode !== 'simple') {
      for (const [number, { text }] of script.entries())
        await ask(client, ready, Buffer.concat([parseMessage(`P0_${number}`, text), syncMessage()]))
    }
    client.play(transactions(script, one.mode, 500))
  }
  ready.push(...clients)
  for (let round = 1; round <= rounds; round++) {
    const appended = volume.appendedBytes
    const before = process.cpuUsage()
    await run(ready, count * script.length)
    const { user, system } = process.cpuUsage(before)
    const micros = ((user + system) / count).toFixed(2)
    const bytes = ((volume.appendedBytes - appended) / count).toFixed(0)
    process.stdout.write(`${one.name}: ${micros} us a transaction, ${bytes} bytes of log\n`)
  }
}

/** Lets clients send as soon as they are ready, `steps` messages in all. */
async function run(ready: Client[], steps: number): Promise<void> {
  for (let done = 0; done < steps;) {
    for (let client = ready.shift(); client !== undefined; client = ready.shift()) {
      client.step()
      if (++done >= steps) break
    }
    await turn()
  }
}
