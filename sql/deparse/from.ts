// FROM as text, and the names by which its entries are called.

import { must, unreachable } from '../../storage/base/assert.ts'
import { quoteIdentifier } from '../parse/identifier.ts'
import type { Expr } from '../tree/expr.ts'
import type { From, FunctionFrom, JoinFrom, Query, RelationColumn, TableFrom } from '../tree/query.ts'
import { RECORD_OID } from '../types/oids.ts'
import { printExpr, printList, typeText } from './expr.ts'
import { INDENT, INDENT_JOIN, type Printer, relationName } from './printer.ts'
import { printQueryIn, printRows } from './query.ts'

/** Names every entry of a query's FROM; the result is what is in use for queries inside it. */
export function nameEntries(p: Printer, query: Query, outer: ReadonlySet<string>): ReadonlySet<string> {
  const used = new Set(outer)
  if (query.kind === 'select') {
    for (const from of query.from) nameFrom(p, from, used)
  } else {
    p.claim(query.outputs, query.kind === 'values' ? '*VALUES*' : '*SELECT* 1', new Set())
  }
  return used
}

function nameFrom(p: Printer, from: From, used: Set<string>): void {
  if (from.kind === 'join') {
    nameFrom(p, from.left, used)
    nameFrom(p, from.right, used)
    return
  }
  p.claim(from.id, from.alias, used)
}

export function printFrom(p: Printer, froms: readonly From[], prefix: string): void {
  froms.forEach((from, i) => {
    if (i === 0) {
      p.keyword(prefix, -INDENT, INDENT, 2)
      printItem(p, from)
      return
    }
    p.add(', ')
    p.addWrapped(
      p.capture(() => printItem(p, from)),
      true,
    )
  })
}

function printItem(p: Printer, from: From): void {
  if (from.kind === 'join') return printJoin(p, from)
  if ('lateral' in from && from.lateral) p.add('LATERAL ')
  switch (from.kind) {
    case 'table':
      p.add(relationName(p.options, from.table.oid))
      break
    case 'subquery':
      if (from.viewOid !== undefined) p.add(relationName(p.options, from.viewOid))
      else {
        p.add('(')
        printQueryIn(p, from.query, { namesVisible: true })
        p.add(')')
      }
      break
    case 'cte':
      p.add(quoteIdentifier(nameOfCte(p, from)))
      break
    case 'function':
      printFunctions(p, from)
      break
    case 'values':
      p.add('(')
      printRows(p, from.rows)
      p.add(')')
      break
    default:
      unreachable(from)
  }
  printAlias(p, from)
}

type Entry = Exclude<From, JoinFrom>

function nameOfCte(p: Printer, from: Entry & { readonly kind: 'cte' }): string {
  return p.cteNames.get(from.cte) ?? from.alias
}

function printAlias(p: Printer, from: Entry): void {
  const name = must(p.names.get(from.id))
  const definitions = from.kind === 'function' ? definitionList(p, from) : undefined
  const aliases = definitions ?? columnAliases(p, from)
  if (
    from.hasAlias === true ||
    from.kind === 'function' ||
    aliases !== undefined ||
    name !== plainName(p, from)
  ) {
    p.add(` ${quoteIdentifier(name)}`)
  }
  if (aliases !== undefined) p.add(`(${aliases})`)
}

/** The name an entry has when nothing is said. */
function plainName(p: Printer, from: Entry): string {
  const { catalog } = p.options
  switch (from.kind) {
    case 'table':
      return from.table.name
    case 'subquery':
      return from.viewOid === undefined ? '' : (catalog.relation(from.viewOid)?.name ?? '')
    case 'cte':
      return nameOfCte(p, from)
    default:
      return ''
  }
}

function columnAliases(p: Printer, from: Entry): string | undefined {
  const own = ownColumnNames(p, from)
  const isSame = own !== undefined && from.columns.every((column, i) => column.name === own[i])
  return isSame ? undefined : from.columns.map((column) => quoteIdentifier(column.name)).join(', ')
}

function ownColumnNames(p: Printer, from: Entry): readonly (string | undefined)[] | undefined {
  switch (from.kind) {
    case 'table':
      return tableColumnNames(from)
    case 'subquery': {
      const view = from.viewOid === undefined ? undefined : p.options.catalog.relation(from.viewOid)
      if (view?.kind === 'view')
        return view.columns.filter((column) => !column.isDropped).map((column) => column.name)
      return from.query.targets.filter((target) => !target.junk).map((target) => target.name)
    }
    case 'cte':
      return p.cteColumns.get(from.cte)
    case 'values':
      return from.columns.map((_, i) => `column${i + 1}`)
    default:
      return undefined
  }
}

const tableColumnNames = (from: TableFrom): readonly (string | undefined)[] =>
  from.tableColumns.map((index) => from.table.columns[index]?.name)

/** A function that returns "record" needs its columns' types too. */
function definitionList(p: Printer, from: FunctionFrom): string | undefined {
  if (from.calls.length !== 1 || !needsDefinitions(must(from.calls[0]).call)) return undefined
  return definitions(p, from.columns)
}

function definitions(p: Printer, columns: readonly RelationColumn[]): string {
  return columns
    .map(({ name, type, typmod }) => `${quoteIdentifier(name)} ${typeText(p, type, typmod)}`)
    .join(', ')
}

function needsDefinitions(call: Expr): boolean {
  return call.type === RECORD_OID && !(call.kind === 'set-call' && call.function.columns.length > 0)
}

function printFunctions(p: Printer, from: FunctionFrom): void {
  const [first] = from.calls
  const isSingle = from.calls.length === 1 && first !== undefined
  if (isSingle && !(needsDefinitions(first.call) && from.withOrdinality)) {
    printFunctionCall(p, first.call)
  } else if (isUnnest(from)) {
    p.add('UNNEST(')
    printList(
      p,
      from.calls.flatMap(({ call }) => ('args' in call ? call.args : [])),
      true,
    )
    p.add(')')
  } else {
    printRowsFrom(p, from)
  }
  if (from.withOrdinality) p.add(' WITH ORDINALITY')
}

/** In FROM only calls may stand; a cast or the like is wrapped so that it is one. */
function printFunctionCall(p: Printer, call: Expr): void {
  const looksLikeCall =
    call.kind === 'set-call' ||
    (call.kind === 'call' && call.form === 'call') ||
    ['coalesce', 'greatest', 'least', 'nullif', 'session-value'].includes(call.kind)
  if (looksLikeCall) return printExpr(p, call, true)
  p.add('CAST(')
  printExpr(p, call, false)
  p.add(` AS ${typeText(p, call.type, call.typmod)})`)
}

function isUnnest(from: FunctionFrom): boolean {
  return from.calls.every(
    ({ call }) => call.kind === 'set-call' && call.function.name === 'unnest' && call.args.length === 1,
  )
}

function printRowsFrom(p: Printer, from: FunctionFrom): void {
  p.add('ROWS FROM(')
  let column = 0
  from.calls.forEach(({ call, columnCount }, i) => {
    if (i > 0) p.add(', ')
    printFunctionCall(p, call)
    const own = from.columns.slice(column, column + columnCount)
    if (needsDefinitions(call)) p.add(` AS (${definitions(p, own)})`)
    column += columnCount
  })
  p.add(')')
}

const JOINS: Readonly<Record<JoinFrom['join'], string>> = {
  inner: ' JOIN ',
  left: ' LEFT JOIN ',
  right: ' RIGHT JOIN ',
  full: ' FULL JOIN ',
}

function printJoin(p: Printer, from: JoinFrom): void {
  const { left, right, on, alias } = from
  const rightNeeds = p.pretty && right.kind === 'join' && right.alias === undefined
  const needed = !p.pretty || alias !== undefined
  if (needed) p.add('(')
  printItem(p, left)
  const words = from.join === 'inner' && on === undefined ? ' CROSS JOIN ' : JOINS[from.join]
  p.keyword(words, -INDENT, INDENT, INDENT_JOIN)
  if (rightNeeds) p.add('(')
  printItem(p, right)
  if (rightNeeds) p.add(')')
  if (from.using !== undefined) {
    p.add(` USING (${from.using.map(quoteIdentifier).join(', ')})`)
  } else if (on !== undefined) {
    p.add(' ON ')
    p.open()
    printExpr(p, on, false)
    p.close()
  } else if (from.join !== 'inner') {
    p.add(' ON TRUE')
  }
  if (needed) p.add(')')
  if (alias !== undefined) p.add(` ${quoteIdentifier(alias)}`)
}
