// What deparsing writes into: text that knows its indentation, and the names of the query's entries.
//
// Layout follows PostgreSQL's ruleutils: clauses start lines of their own, indented by eight a level; beyond forty columns
// the indentation grows more slowly. Two switches: `pretty` leaves out parentheses that precedence makes superfluous,
// `indent` turns line breaks on.

import { must } from '../../storage/base/assert.ts'
import { withSystemSchema } from '../analyze/format-type.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { quoteIdentifier } from '../parse/identifier.ts'
import type { Expr, RelationId } from '../tree/expr.ts'
import type { TypeContext } from '../types/type.ts'
import type { CteId, WindowClause } from '../tree/query.ts'

/** Columns an indentation level takes, and where deep nesting starts to be squeezed. */
export const INDENT = 8
const INDENT_LIMIT = 40
/** Extra columns: continuation lines of lists, and joins. */
export const INDENT_VAR = 4
export const INDENT_JOIN = 4

/** How to deparse. */
export interface DeparseOptions {
  readonly catalog: Catalog
  /** Oids of schemas whose objects are named without them; [] qualifies everything outside pg_catalog. */
  readonly searchPath: readonly number[]
  /** Leave out superfluous parentheses (psql's \d does). */
  readonly pretty?: boolean | undefined
  /** Break lines; default true. EXPLAIN's expressions turn it off. */
  readonly indent?: boolean | undefined
  /** Names a column that no enclosing query of the deparsed text has; default its bare name. Must quote. */
  readonly columnName?: ((expr: Expr & { readonly kind: 'column' | 'whole-row' }) => string) | undefined
  /** Names for a query's output columns: a view's. */
  readonly outputNames?: readonly string[] | undefined
  /** How literals are written: dates by its DateStyle, reg types by name. Default: ISO, and reg types by oid. */
  readonly typeContext?: TypeContext | undefined
  /** Show implicit casts too, as a comparison needs them. Default false. */
  readonly showImplicit?: boolean | undefined
}

export class Printer {
  readonly options: DeparseOptions
  readonly pretty: boolean
  readonly indent: boolean
  text = ''
  indentLevel = 0
  /** Names of entries, by id, and those in use at this and outer levels. */
  readonly names: Map<RelationId, string>
  usedNames: ReadonlySet<string> = new Set()
  /** Names and columns of WITH queries, by id. */
  readonly cteNames: Map<CteId, string> = new Map<CteId, string>()
  readonly cteColumns: Map<CteId, readonly string[]> = new Map<CteId, readonly string[]>()
  /** The windows of the query being printed. */
  windows: readonly WindowClause[] = []

  constructor(options: DeparseOptions, names: Map<RelationId, string> = new Map()) {
    this.options = options
    this.pretty = options.pretty === true
    this.indent = options.indent !== false
    this.names = names
  }

  add(text: string): void {
    this.text += text
  }

  /** Starts a clause on a line of its own; without indentation it just goes on. */
  keyword(text: string, before: number, after: number, plus: number): void {
    if (!this.indent) {
      this.text += text
      return
    }
    this.indentLevel += before
    this.trimEnd()
    this.text += `\n${' '.repeat(this.#indentation() + plus)}${text}`
    this.indentLevel = Math.max(0, this.indentLevel + after)
  }

  #indentation(): number {
    const level = this.indentLevel
    if (level < INDENT_LIMIT) return Math.max(level, 0)
    return (INDENT_LIMIT + Math.floor((level - INDENT_LIMIT) / (INDENT / 2))) % INDENT_LIMIT
  }

  trimEnd(): void {
    this.text = this.text.replace(/ +$/, '')
  }

  /** What `print` writes, apart from the text so far; indentation goes on from here. */
  capture(print: () => void): string {
    const before = this.text
    this.text = ''
    print()
    const captured = this.text
    this.text = before
    return captured
  }

  /**
   * Adds a piece of a list: on a new line if it is not the first and does not start one by itself. `isLong`: the line is
   * too long already (every line is: the wrapping column is 0).
   */
  addWrapped(piece: string, needsBreak: boolean): void {
    if (this.indent) {
      if (piece.startsWith('\n')) this.trimEnd()
      else if (needsBreak) this.keyword('', -INDENT, INDENT, INDENT_VAR)
    }
    this.text += piece
  }

  /** Opens a parenthesis that pretty printing leaves out. */
  open(): void {
    if (!this.pretty) this.text += '('
  }

  close(): void {
    if (!this.pretty) this.text += ')'
  }

  /** A name for an entry that is not in use; digits are appended if need be. */
  claim(id: RelationId, wanted: string, used: Set<string>): void {
    let name = wanted
    for (let i = 1; used.has(name); i++) name = `${wanted}_${i}`
    used.add(name)
    this.names.set(id, name)
  }

  relationName(id: RelationId): string {
    return quoteIdentifier(must(this.names.get(id), 'an entry was named when its query was entered'))
  }
}

/** A string as a literal with standard-conforming quotes. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A relation's name, qualified unless the search path finds it. */
export function relationName(options: DeparseOptions, oid: number): string {
  const { catalog } = options
  const relation = catalog.relation(oid)
  if (relation === undefined) return '???'
  for (const schemaOid of withSystemSchema(options)) {
    const found = catalog.relationByName(schemaOid, relation.name)
    if (found === undefined) continue
    if (found.oid === oid) return quoteIdentifier(relation.name)
    break
  }
  const schema = catalog.schema(relation.schemaOid)?.name
  return schema === undefined
    ? quoteIdentifier(relation.name)
    : `${quoteIdentifier(schema)}.${quoteIdentifier(relation.name)}`
}
