// Text to raw parse trees, by PostgreSQL's own grammar compiled to WebAssembly (libpg-query).
//
//   text ──parseSync──▶ JSON ──▶ [{ stmt, stmt_location, stmt_len }, ...] ──▶ ParsedStatement[]
//
// `loadParser` must have resolved once before anything is parsed; the composition root awaits it.

import { loadModule, parseSync } from 'libpg-query'
import { assert } from '../../storage/base/assert.ts'
import { SqlError } from '../types/sql-error.ts'
import { type Node, type NodeTag, tagOf } from './ast.ts'
import { junkAfterNumber } from './junk.ts'
import { SourceText } from './source-text.ts'
import { stackDepthExceeded, syntaxError } from './syntax-error.ts'

/** One statement of a query text. */
export interface ParsedStatement {
  readonly tag: NodeTag
  /** `{ SelectStmt: {...} }` and the like. Its locations count from the start of `source`. */
  readonly node: Node
  /** The whole text that was parsed, other statements included: error positions count in it. */
  readonly source: SourceText
  /** The statement's own text, without the semicolon and surrounding white space. */
  readonly text: string
}

interface RawStatement {
  readonly stmt?: Node
  readonly stmt_location?: number
  readonly stmt_len?: number
}

/** Loads the grammar; resolves once it can be used. */
export async function loadParser(): Promise<void> {
  await loadModule()
}

/**
 * Parses a query text; an empty one has no statements.
 *
 * @throws SqlError 42601 and what else the grammar raises, with the position of the offending token; 54001 for
 * expressions that nest too deeply.
 */
export function parseSql(text: string): readonly ParsedStatement[] {
  if (text.trim() === '') return []
  const source = new SourceText(text)
  const raw = rawStatements(text)
  const junk = junkAfterNumber(text)
  if (junk !== undefined) throw junk
  return raw.map((statement) => {
    const { stmt } = statement
    assert(stmt !== undefined, 'a raw statement has a tree')
    const tag = tagOf(stmt)
    assert(tag !== undefined, 'a tree has a tag')
    const start = statement.stmt_location ?? 0
    const length = statement.stmt_len ?? 0
    const end = length === 0 ? source.byteLength : start + length
    return {
      tag,
      node: stmt,
      source,
      text: raw.length === 1 && length === 0 ? text.trim() : source.slice(start, end).trim(),
    }
  })
}

/** Parses a text that holds one expression only (a column default, a check constraint). */
export function parseExpression(text: string): { readonly node: Node; readonly source: SourceText } {
  const statements = parseSql(`SELECT ${text}`)
  const node = statements[0]?.node
  const targets = node !== undefined && 'SelectStmt' in node ? (node.SelectStmt.targetList ?? []) : []
  const target = targets[0]
  const value = target !== undefined && 'ResTarget' in target ? target.ResTarget.val : undefined
  if (statements.length !== 1 || targets.length !== 1 || value === undefined) {
    throw new SqlError('42601', 'syntax error: one expression expected')
  }
  return { node: value, source: statements[0]?.source ?? new SourceText(text) }
}

function rawStatements(text: string): readonly RawStatement[] {
  try {
    return (parseSync(text) as { stmts?: RawStatement[] }).stmts ?? []
  } catch (thrown) {
    throw parserError(thrown, text)
  }
}

/** libpg-query's own error class carries `sqlDetails`; traps of the module are WebAssembly or range errors. */
function parserError(thrown: unknown, text: string): unknown {
  if (!(thrown instanceof Error)) return thrown
  const details = (thrown as { sqlDetails?: { cursorPosition: number; fileName?: string } }).sqlDetails
  if (details !== undefined) {
    // The cursor is 0 both at the start and where there is none; errors of the scanner quote what they point at.
    const { cursorPosition } = details
    const isNowhere = cursorPosition === 0 && !/ at or near | at end of input/.test(thrown.message)
    return syntaxError(thrown.message, isNowhere ? -1 : cursorPosition, text)
  }
  if (thrown instanceof RangeError || thrown.name === 'RuntimeError') return stackDepthExceeded()
  return thrown
}
