// LISTEN and NOTIFY of one session (documentation: NOTIFY). What a transaction does with channels takes effect at its
// commit; notifications reach a session between its transactions.

import type { DatabaseHandle } from './database-handle.ts'
import type { SessionCore } from './session-core.ts'

/** PostgreSQL's limit of a payload: bytes, exclusive. */
export const PAYLOAD_SIZE_BYTES_MAX = 8000

interface Notification {
  readonly channel: string
  readonly payload: string
  readonly processId: number
}

export class Notifications {
  readonly #core: SessionCore
  readonly #channels = new Set<string>()
  #changes: ((channels: Set<string>) => void)[] = []
  #outgoing = new Map<string, Notification>()
  readonly #incoming: Notification[] = []

  constructor(core: SessionCore) {
    this.#core = core
  }

  get channels(): Iterable<string> {
    return this.#channels
  }

  listen(channel: string): void {
    this.#changes.push((channels) => channels.add(channel))
  }

  /** undefined: UNLISTEN *. */
  unlisten(channel: string | undefined): void {
    this.#changes.push((channels) => {
      if (channel === undefined) channels.clear()
      else channels.delete(channel)
    })
  }

  /** Equal notifications of one transaction are sent once. */
  notify(channel: string, payload: string): void {
    this.#outgoing.set(`${channel}\u0000${payload}`, { channel, payload, processId: this.#core.processId })
  }

  transactionEnded(committed: boolean): void {
    if (this.#changes.length === 0 && this.#outgoing.size === 0) return
    const changes = this.#changes
    const outgoing = this.#outgoing
    this.#changes = []
    this.#outgoing = new Map()
    if (!committed) return
    for (const change of changes) change(this.#channels)
    if (this.#channels.size > 0) this.#core.handle.listeners.add(this)
    else this.#core.handle.listeners.delete(this)
    if (outgoing.size > 0) this.#send([...outgoing.values()])
  }

  /** Others hear of a commit only when it cannot be lost any more. */
  #send(notifications: readonly Notification[]): void {
    const { database, transaction, handle } = this.#core
    database.onDurable(transaction.commitLsn, (error) => {
      if (error !== undefined) return
      for (const notification of notifications) {
        for (const listener of handle.listeners) listener.#receive(notification)
      }
    })
  }

  #receive(notification: Notification): void {
    if (!this.#channels.has(notification.channel)) return
    this.#incoming.push(notification)
    if (!this.#core.turns.isRunning && this.#core.transaction.isIdle) {
      this.deliver()
      void this.#core.sink.flush()
    }
  }

  /** Writes what has arrived; called when the session is between transactions. */
  deliver(): void {
    if (this.#incoming.length === 0) return
    for (const { processId, channel, payload } of this.#incoming) {
      this.#core.sink.notification(processId, channel, payload)
    }
    this.#incoming.length = 0
  }

  /** The session works on another timeline of its database. */
  moved(from: DatabaseHandle, to: DatabaseHandle): void {
    from.listeners.delete(this)
    if (this.#channels.size > 0) to.listeners.add(this)
  }

  close(): void {
    this.#channels.clear()
    this.#core.handle.listeners.delete(this)
  }
}
