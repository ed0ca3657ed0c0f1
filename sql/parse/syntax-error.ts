// PostgreSQL's scanner and grammar raise a few dozen messages. libpg-query passes message and cursor on, but neither
// SQLSTATE nor hint: both are found again here by the message (gram.y, scan.l and parser.c of version 15).

import { SqlError } from '../types/sql-error.ts'

/** Messages whose SQLSTATE is not 42601, by how they begin or what they contain. */
const CODES: readonly (readonly [RegExp, string])[] = [
  [/^unsafe use of \\'/, '22P06'],
  [/^unsafe use of string constant with Unicode escapes/, '0A000'],
  [/^invalid byte sequence/, '22021'],
  [/not yet (implemented|supported)|is not implemented|not supported on recursive views/, '0A000'],
  [/^current database cannot be changed/, '0A000'],
  [/constraints cannot be (marked|deferrable)/i, '0A000'],
  [/^role name "[^]*" is reserved/, '42939'],
  [/cannot be used as a role name here/, '42939'],
  [/^frame (start|end|starting)/, '42P20'],
  [/^precision for type float must be/, '22023'],
  [/^INTERVAL\(-?\d+\) precision|^interval precision/i, '42601'],
  [/^unacceptable schema name/, '42939'],
  [/^cross-database references/, '0A000'],
]

/** Hints that belong to messages. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/^subquery in FROM must have an alias/, 'For example, FROM (SELECT ...) [AS] foo.'],
  [/^VALUES in FROM must have an alias/, 'For example, FROM (VALUES ...) [AS] foo.'],
  [/^LIMIT #,# syntax is not supported/, 'Use separate LIMIT and OFFSET clauses.'],
  [/^unsafe use of \\'/, "Use '' to write quotes in strings. \\' is insecure in client-only encodings."],
]

const matching = (table: readonly (readonly [RegExp, string])[], message: string): string | undefined =>
  table.find(([pattern]) => pattern.test(message))?.[1]

/**
 * The error for a message of the grammar. `cursor` is the 0-based character offset, -1 for none; `text` is what was
 * parsed, for messages that two kinds of string share.
 */
export function syntaxError(message: string, cursor: number, text: string): SqlError {
  const position = cursor < 0 ? undefined : cursor + 1
  if (message === 'invalid Unicode escape') {
    const isExtended = isExtendedEscape(cursor, text)
    const hint = isExtended
      ? 'Unicode escapes must be \\uXXXX or \\UXXXXXXXX.'
      : 'Unicode escapes must be \\XXXX or \\+XXXXXX.'
    return new SqlError(isExtended ? '22025' : '42601', message, { hint, position })
  }
  return new SqlError(matching(CODES, message) ?? '42601', message, {
    hint: matching(HINTS, message),
    position,
  })
}

/** Whether the escape belongs to an E'' string; U&'' ones have escapes and an SQLSTATE of their own. */
function isExtendedEscape(cursor: number, text: string): boolean {
  const escape = Array.from(text).slice(cursor, cursor + 2)
  return /^\\u/i.test(escape.join(''))
}

/** What PostgreSQL says when an expression nests too deeply for its stack. */
export function stackDepthExceeded(): SqlError {
  return new SqlError('54001', 'stack depth limit exceeded', {
    hint:
      'Increase the configuration parameter "max_stack_depth" (currently 2048kB), ' +
      "after ensuring the platform's stack depth limit is adequate.",
  })
}
