// Where Borealis differs from PostgreSQL 15 on purpose, with the reason. Each entry names one statement by a piece of
// its text; an entry that no longer differs fails the test, so that the list stays true.

export interface Exception {
  readonly file: string
  /** A piece of the statement's text. */
  readonly statement: string
  readonly reason: string
}

export const EXCEPTIONS: readonly Exception[] = []
