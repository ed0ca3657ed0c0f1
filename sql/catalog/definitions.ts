// Objects as SQL: pg_get_indexdef, pg_get_constraintdef, pg_get_expr. Stored expressions are canonical already (as
// PostgreSQL prints them without its pretty flag); what depends on the session is the search path, and the pretty form.

import { quoteIdentifier } from '../functions/quote.ts'
import type {
  Catalog,
  CheckConstraint,
  DomainInfo,
  ForeignKey,
  Index,
  IndexColumn,
  ReferentialAction,
  Table,
  View,
} from './catalog.ts'
import { visibleName } from './describe.ts'
import { isDefaultClassName } from './operator-class.ts'
import { staticName } from './static-rows.ts'

/** Makes other forms of stored texts; sql/deparse can, catalogs cannot. */
export interface Deparser {
  /** An expression over a relation's columns (0: none), with or without the pretty flag. */
  expression?(text: string, relationOid: number, pretty: boolean): string | undefined
  /** A domain's check, in which VALUE has the base type. */
  domainCheck?(text: string, domain: DomainInfo, pretty: boolean): string | undefined
  view?(view: View, pretty: boolean, wrapColumn: number | undefined): string | undefined
}

export interface DefinitionContext {
  readonly catalog: Catalog
  readonly path: readonly number[]
  readonly deparser: Deparser | undefined
}

/** A stored expression for display. */
export function displayExpression(
  context: DefinitionContext,
  text: string,
  relationOid: number,
  pretty: boolean,
): string {
  const made = context.deparser?.expression?.(text, relationOid, pretty)
  if (made !== undefined) return made
  const named = withRelationNames(context, text)
  return pretty ? withoutOuterParentheses(named) : named
}

/** Stored texts name relations in regclass constants by oid, so that renames need not touch them. */
function withRelationNames(context: DefinitionContext, text: string): string {
  return text.replaceAll(/'(\d+)'::regclass/g, (whole, digits: string) => {
    const relation = context.catalog.relation(Number(digits))
    if (relation === undefined) return whole
    return `'${visibleName(context.catalog, context.path, relation).replaceAll("'", "''")}'::regclass`
  })
}

function withoutOuterParentheses(text: string): string {
  return text.startsWith('(') && closingParenthesis(text, 0) === text.length - 1 ? text.slice(1, -1) : text
}

/** Index of the parenthesis that closes the one at `open`, outside of quotes; -1: none. */
function closingParenthesis(text: string, open: number): number {
  let depth = 0
  let quote = ''
  for (let at = open; at < text.length; at++) {
    const char = text.charAt(at)
    if (quote !== '') {
      if (char === quote) quote = ''
    } else if (char === "'" || char === '"') quote = char
    else if (char === '(') depth++
    else if (char === ')' && --depth === 0) return at
  }
  return -1
}

/** name(...) and nothing behind it: such an expression needs no parentheses of its own in an index. */
function looksLikeFunction(text: string): boolean {
  const match = /^(?:[a-z_][\w$]*|"[^"]+")(?:\.(?:[a-z_][\w$]*|"[^"]+"))?\(/i.exec(text)
  return match !== null && closingParenthesis(text, match[0].length - 1) === text.length - 1
}

const ACTIONS: Readonly<Record<ReferentialAction, string>> = {
  'no-action': '',
  restrict: 'RESTRICT',
  cascade: 'CASCADE',
  'set-null': 'SET NULL',
  'set-default': 'SET DEFAULT',
}

const columnName = (table: Table, index: number): string => quoteIdentifier(table.columns[index]?.name ?? '')

function tableOf(catalog: Catalog, oid: number): Table {
  const relation = catalog.relation(oid)
  if (relation?.kind !== 'table') throw new Error('an index is on a table')
  return relation
}

/** pg_get_indexdef; `column` 0: the whole statement, else the text of one key or included column. */
export function indexDefinition(
  context: DefinitionContext,
  index: Index,
  column: number,
  pretty: boolean,
): string {
  const { catalog } = context
  const table = tableOf(catalog, index.tableOid)
  if (column > 0) {
    const key = index.columns[column - 1]
    if (key !== undefined) return keyText(context, table, key, pretty)
    const included = index.included[column - 1 - index.columns.length]
    return included === undefined ? '' : columnName(table, included)
  }
  const keys = index.columns.map(
    (key) => keyText(context, table, key, pretty) + keyOptions(context, table, index, key),
  )
  const schema = quoteIdentifier(catalog.schema(table.schemaOid)?.name ?? '')
  const on = pretty ? visibleName(catalog, context.path, table) : `${schema}.${quoteIdentifier(table.name)}`
  const parts = [
    `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX ${quoteIdentifier(index.name)} ON ${on} USING ${index.method} (${keys.join(', ')})`,
  ]
  if (index.included.length > 0)
    parts.push(`INCLUDE (${index.included.map((at) => columnName(table, at)).join(', ')})`)
  if (index.nullsNotDistinct) parts.push('NULLS NOT DISTINCT')
  if (index.options.length > 0) parts.push(`WITH (${index.options.map(optionText).join(', ')})`)
  if (index.predicate !== undefined) {
    parts.push(`WHERE ${displayExpression(context, index.predicate, table.oid, pretty)}`)
  }
  return parts.join(' ')
}

/** `fillfactor='70'` as pg_get_indexdef quotes options. */
function optionText(option: string): string {
  const at = option.indexOf('=')
  const value = option.slice(at + 1)
  return `${option.slice(0, at)}=${/^[a-z_][a-z0-9_]*$/.test(value) ? value : `'${value}'`}`
}

function keyText(context: DefinitionContext, table: Table, key: IndexColumn, pretty: boolean): string {
  if (key.column >= 0) return columnName(table, key.column)
  const text = displayExpression(context, key.expression ?? '', table.oid, pretty)
  return looksLikeFunction(text) ? text : `(${text})`
}

function keyOptions(context: DefinitionContext, table: Table, index: Index, key: IndexColumn): string {
  let text = ''
  const own =
    key.column >= 0
      ? table.columns[key.column]?.collation
      : context.catalog.type(key.type)?.isCollatable === true
        ? 100
        : 0
  if (key.collation !== 0 && key.collation !== own) {
    text += ` COLLATE ${quoteIdentifier(staticName('pg_collation', key.collation, 'collname') ?? '')}`
  }
  if (key.operatorClass !== undefined && !isDefaultClassName(context.catalog, index.method, key))
    text += ` ${quoteIdentifier(key.operatorClass)}`
  if (index.method === 'btree') {
    if (key.descending) text += key.nullsFirst ? ' DESC' : ' DESC NULLS LAST'
    else if (key.nullsFirst) text += ' NULLS FIRST'
  }
  return text
}

/** Where a constraint of this oid is. */
export type FoundConstraint =
  | { readonly kind: 'check'; readonly table: Table; readonly check: CheckConstraint }
  | { readonly kind: 'foreign'; readonly table: Table; readonly key: ForeignKey }
  | { readonly kind: 'index'; readonly table: Table; readonly index: Index }

/** Finds a table's constraint by oid. */
export function findConstraint(catalog: Catalog, oid: number): FoundConstraint | undefined {
  for (const relation of catalog.relations()) {
    if (relation.kind === 'index' && relation.constraintOid === oid) {
      return { kind: 'index', table: tableOf(catalog, relation.tableOid), index: relation }
    }
    if (relation.kind !== 'table') continue
    const check = relation.checks.find((item) => item.oid === oid)
    if (check !== undefined) return { kind: 'check', table: relation, check }
    const key = relation.foreignKeys.find((item) => item.oid === oid)
    if (key !== undefined) return { kind: 'foreign', table: relation, key }
  }
  return undefined
}

/** pg_get_constraintdef; undefined for an oid that names no constraint. */
export function constraintDefinition(
  context: DefinitionContext,
  oid: number,
  pretty: boolean,
): string | undefined {
  // Keys of pg_catalog's own relations have no constraint to be named by.
  if (oid === 0) return undefined
  const found = findConstraint(context.catalog, oid)
  if (found === undefined) return domainConstraint(context, oid, pretty)
  switch (found.kind) {
    case 'check': {
      const { expression, noInherit, validated } = found.check
      const text = displayExpression(context, expression, found.table.oid, pretty)
      return `CHECK (${text})${noInherit ? ' NO INHERIT' : ''}${validated ? '' : ' NOT VALID'}`
    }
    case 'foreign':
      return foreignKeyText(context, found.table, found.key)
    case 'index':
      return keyConstraintText(found.table, found.index)
  }
}

function domainConstraint(context: DefinitionContext, oid: number, pretty: boolean): string | undefined {
  for (const { domain } of context.catalog.types()) {
    const check = domain?.checks.find((item) => item.oid === oid)
    if (domain === undefined || check === undefined) continue
    const made = context.deparser?.domainCheck?.(check.expression, domain, pretty)
    return `CHECK (${made ?? displayExpression(context, check.expression, 0, pretty)})`
  }
  return undefined
}

function deferral(item: { readonly deferrable: boolean; readonly initiallyDeferred: boolean }): string {
  return `${item.deferrable ? ' DEFERRABLE' : ''}${item.initiallyDeferred ? ' INITIALLY DEFERRED' : ''}`
}

function foreignKeyText(context: DefinitionContext, table: Table, key: ForeignKey): string {
  const target = tableOf(context.catalog, key.referencedOid)
  const columns = key.columns.map((at) => columnName(table, at)).join(', ')
  const referenced = key.referencedColumns.map((at) => columnName(target, at)).join(', ')
  let text = `FOREIGN KEY (${columns}) REFERENCES ${visibleName(context.catalog, context.path, target)}(${referenced})`
  if (key.match === 'full') text += ' MATCH FULL'
  const onUpdate = ACTIONS[key.onUpdate]
  const onDelete = ACTIONS[key.onDelete]
  if (onUpdate !== '') text += ` ON UPDATE ${onUpdate}`
  if (onDelete !== '') text += ` ON DELETE ${onDelete}`
  return `${text}${deferral(key)}${key.validated ? '' : ' NOT VALID'}`
}

function keyConstraintText(table: Table, index: Index): string {
  const columns = index.columns.map(({ column }) => columnName(table, column)).join(', ')
  const kind = index.isPrimary
    ? 'PRIMARY KEY'
    : index.nullsNotDistinct
      ? 'UNIQUE NULLS NOT DISTINCT'
      : 'UNIQUE'
  let text = `${kind} (${columns})`
  if (index.included.length > 0)
    text += ` INCLUDE (${index.included.map((at) => columnName(table, at)).join(', ')})`
  if (index.options.length > 0) text += ` WITH (${index.options.map(optionText).join(', ')})`
  return text + deferral(index)
}
