// Times statements for --log-slow-ms. Exists only when that option is set, since it remembers the text of prepared
// statements and asks the clock twice for each statement.

import type { Logger } from 'pino'
import type { Clock } from '../../storage/base/env.ts'

/** Longer texts are cut in the log. */
const SHOWN_LENGTH_MAX = 2000
/** Names remembered for one connection; beyond it, the oldest are forgotten and logged without their text. */
const NAME_COUNT_MAX = 1000

export class StatementWatch {
  readonly #slowMs: number
  readonly #clock: Clock
  readonly #log: Logger
  readonly #textOfStatement = new Map<string, string>()
  readonly #textOfPortal = new Map<string, string>()
  #running: string | undefined
  #startedMs = 0

  constructor(slowMs: number, clock: Clock, log: Logger) {
    this.#slowMs = slowMs
    this.#clock = clock
    this.#log = log
  }

  parse(statementName: string, text: string): void {
    remember(this.#textOfStatement, statementName, text)
  }

  bind(portalName: string, statementName: string): void {
    remember(this.#textOfPortal, portalName, this.#textOfStatement.get(statementName) ?? statementName)
  }

  execute(portalName: string): void {
    this.begin(this.#textOfPortal.get(portalName) ?? portalName)
  }

  begin(text: string): void {
    this.#running = text
    this.#startedMs = this.#clock.monotonicMs()
  }

  /** The call that was begun has ended, well or not. */
  end(): void {
    const text = this.#running
    if (text === undefined) return
    this.#running = undefined
    const durationMs = this.#clock.monotonicMs() - this.#startedMs
    if (durationMs < this.#slowMs) return
    const statement = text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}...` : text
    this.#log.info({ durationMs: Math.round(durationMs * 1000) / 1000, statement }, 'slow statement')
  }
}

function remember(names: Map<string, string>, name: string, text: string): void {
  names.delete(name)
  names.set(name, text)
  if (names.size <= NAME_COUNT_MAX) return
  const oldest = names.keys().next()
  if (oldest.done !== true) names.delete(oldest.value)
}
