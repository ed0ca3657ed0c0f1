// One of the nodes in a worker thread: its port, its mailbox, and the HostedNode that answers what comes through both.
//
//   port ──message──▶ HostedNode ──answer──▶ port
//   mailbox ─append─▶ HostedNode ──answer──▶ held until the thread has synced what all its nodes wrote ──▶ mailbox
//
// An append stays in its slot until it is answered, which an injected fault may delay beyond the turn that took it.

import type { MessagePort } from 'node:worker_threads'

import type { Archiver } from '../archive/archiver.ts'
import { type ArchiveSettings, startArchiver } from '../archive/start-archiver.ts'
import type { Clock, Prng } from '../base/env.ts'
import type { StorageError, StorageErrorKind } from '../base/errors.ts'
import { Mailbox, WAKE_UP } from '../message/mailbox.ts'
import type { NodeMessage, VolumeMessage } from '../message/message.ts'
import { HostedNode } from './hosted-node.ts'
import type { HotFile } from './hot-log.ts'
import type { Found } from './mailbox-loop.ts'
import { servePort, type ServeRequest, ThreadPeers } from './thread-peers.ts'

/** What the parent tells a thread of a node that is to live in it. */
export interface NodeSettings {
  /** Its number. */
  readonly node: number
  /** Its SQLite file. */
  readonly path: string
  /** The file that its hot log shares with those of the zone's other nodes, for how many it has room, and its own place. */
  readonly hotPath: string
  readonly regionCount: number
  readonly region: number
  /** Where it backs up to; undefined: nowhere. */
  readonly archive: ArchiveSettings | undefined
  /** Memory of its Mailbox. */
  readonly mailbox: SharedArrayBuffer
  /** Where messages come from and answers go, but for those in the mailbox; transferred. */
  readonly port: MessagePort
}

/** First word of a node through its port. */
export type NodeGreeting =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly failure: StorageErrorKind; readonly message: string }

/** What a node has from its thread. */
export interface ThreadSurroundings {
  readonly hotRegion: HotFile
  readonly clock: Clock
  readonly prng: Prng
  /** There is an answer in the mailbox that came later than its turn. */
  readonly answered: () => void
  /** Something came through the port. */
  readonly woken: () => void
  /** The node was shut down. */
  readonly ended: () => void
}

export class ThreadedNode {
  readonly #node: HostedNode
  readonly #mailbox: Mailbox
  readonly #port: MessagePort
  readonly #around: ThreadSurroundings
  readonly #archiver: Promise<Archiver | undefined>
  /** An append was taken out of the mailbox and is not answered yet. */
  #isAnswering = false
  #held: NodeMessage | undefined
  #isHolding = false

  /** Throws StorageError. */
  constructor({ node, path, archive, mailbox, port }: NodeSettings, around: ThreadSurroundings) {
    const { clock, prng, hotRegion } = around
    const peers = new ThreadPeers((request) => port.postMessage(request, [request.port]))
    this.#node = new HostedNode({ path, node, clock, prng, peers, hotRegion })
    this.#mailbox = new Mailbox(mailbox)
    this.#port = port
    this.#around = around
    this.#archiver = this.#startBackup(archive)
    port.on('message', (message: VolumeMessage | ServeRequest | typeof WAKE_UP) => this.#receive(message))
  }

  /** What backups fail on is said on standard error: a thread has no log of its own. */
  async #startBackup(archive: ArchiveSettings | undefined): Promise<Archiver | undefined> {
    const { clock } = this.#around
    if (archive === undefined) return undefined
    const warn = (error: StorageError): void => void process.stderr.write(`backup: ${error.message}\n`)
    return startArchiver(archive, { local: this.#node.local, clock, env: process.env, warn })
  }

  #receive(message: VolumeMessage | ServeRequest | typeof WAKE_UP): void {
    this.#around.woken()
    if (message === WAKE_UP) return
    if (message.kind === 'serve')
      return servePort(message.port, (each, answer) => this.#node.handle(each, answer))
    if (message.kind === 'shut-down') this.#shutDown(message.id)
    else this.#node.handle(message, this.#reply)
  }

  #shutDown(id: number): void {
    void this.#archiver
      .then((running) => running?.stop(true))
      .finally(() => {
        this.#node.shutDown()
        this.#reply({ kind: 'done', id })
        this.#port.close()
        this.#around.ended()
      })
  }

  readonly #reply = (answer: NodeMessage, transfer?: ArrayBuffer): void => {
    this.#port.postMessage(answer, transfer === undefined ? [] : [transfer])
  }

  /** Handles the append in the mailbox, if there is one, but holds its answer until `release`. */
  take(): Found {
    if (this.#isAnswering) return 'later'
    const message = this.#mailbox.take()
    if (message === undefined) return 'nothing'
    this.#isAnswering = true
    this.#isHolding = true
    this.#node.handle(message, this.#answerAppend)
    this.#isHolding = false
    return this.#held === undefined ? 'later' : 'handled'
  }

  readonly #answerAppend = (answer: NodeMessage): void => {
    if (this.#isHolding) this.#held = answer
    else if (this.#send(answer)) this.#around.answered()
  }

  /**
   * Sends the answer that was held, now that what it stands on is on disk; or its failure, if that `failed`. Returns whether
   * it is in the mailbox.
   */
  release(failed: StorageError | undefined): boolean {
    const answer = this.#held
    if (answer === undefined) return false
    this.#held = undefined
    if (failed === undefined) return this.#send(answer)
    this.#node.failWrites(failed)
    const { kind: failure, message, detail } = failed
    return this.#send({
      kind: 'failed',
      id: answer.id,
      failure,
      message,
      detail,
      damaged: undefined,
      fatal: true,
    })
  }

  /** Empties the slot. True if the answer went into the other one, false if it went through the port. */
  #send(answer: NodeMessage): boolean {
    this.#isAnswering = false
    this.#mailbox.release()
    if (this.#mailbox.answer(answer)) return true
    this.#reply(answer)
    return false
  }

  /** Ends it as a crash would, but for files that are closed: the thread and its other nodes live on. */
  detach(): void {
    void this.#archiver.then((running) => running?.stop(false))
    this.#node.stop()
    this.#port.close()
  }
}
