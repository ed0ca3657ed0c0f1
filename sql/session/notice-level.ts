// client_min_messages: which notices a client wants.

import type { SqlNotice } from '../types/sql-error.ts'

/** In rising order. */
const LEVELS: readonly string[] = ['debug', 'log', 'notice', 'warning', 'error']

export class NoticeLevel {
  #level = LEVELS.indexOf('notice')

  set(level: string): void {
    this.#level = LEVELS.indexOf(level)
  }

  /** INFO is what a client has asked for: it always passes. */
  passes({ severity }: SqlNotice): boolean {
    return severity === 'INFO' || LEVELS.indexOf(severity.toLowerCase()) >= this.#level
  }
}
