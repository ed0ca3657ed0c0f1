// Functions in FROM: one, or several side by side with ROWS FROM, with ordinality, with a column definition list
// (documentation, section 7.2.1.4).

import { must } from '../../storage/base/assert.ts'
import type { FuncCall, Node, RangeFunction } from '../parse/ast.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import type { From, RelationColumn } from '../tree/query.ts'
import { someExpr } from '../tree/walk.ts'
import { INT8_OID, RECORD_OID, UNKNOWN_OID } from '../types/oids.ts'
import { compositeColumns } from './coerce.ts'
import { analyseExprIn } from './expr.ts'
import { formatType } from './format-type.ts'
import { aliasColumns, itemOf } from './from-item.ts'
import type { Scope, ScopeItem } from './scope.ts'
import { nameOfExpr } from './target-name.ts'
import { resolveTypeName } from './type-name.ts'
import { isNamedRowType } from './type-rules.ts'
import { unknownToText } from './unknown.ts'

interface Source {
  readonly call: Expr
  readonly name: string
  readonly definitions: readonly Node[]
}

/** @throws SqlError 42601 for a wrong column definition list, 0A000, ... */
export function analyseRangeFunction(scope: Scope, node: RangeFunction): ScopeItem {
  const { analysis } = scope
  const before = scope.isLateralActive
  scope.isLateralActive = true
  const sources = sourcesOf(scope, node)
  scope.isLateralActive = before
  const first = must(sources[0])
  const alias = node.alias?.aliasname
  const name = alias ?? first.name
  const columns: RelationColumn[] = []
  const calls = sources.map((source) => {
    const own = columnsOfSource(scope, source, sources.length === 1 ? alias : undefined)
    columns.push(...own)
    return { call: source.call, columnCount: own.length }
  })
  if (node.ordinality === true) {
    if (node.is_rowsfrom !== true && (node.coldeflist ?? []).length > 0) {
      throw analysis.error(
        '42601',
        'WITH ORDINALITY cannot be used with a column definition list',
        undefined,
        {
          hint: 'Put the column definition list inside ROWS FROM().',
        },
      )
    }
    columns.push({ name: 'ordinality', type: INT8_OID, typmod: -1, collation: 0 })
  }
  const lateral = node.lateral === true || sources.some(({ call }) => usesSiblings(scope, call))
  const from: From = {
    kind: 'function',
    id: analysis.newRelation(scope.depth),
    alias: name,
    columns: aliasColumns(analysis, name, columns, stringsOf(node.alias?.colnames)),
    calls,
    withOrdinality: node.ordinality === true,
    lateral,
  }
  const isComposite = sources.length === 1 && node.ordinality !== true && isRowFunction(scope, first)
  return itemOf(from, {
    isAliased: node.alias !== undefined,
    rowTypeOid: isComposite ? first.call.type : columns.length > 1 ? RECORD_OID : 0,
  })
}

function isRowFunction(scope: Scope, { call }: Source): boolean {
  return call.type !== RECORD_OID && isNamedRowType(scope.analysis, call.type)
}

function usesSiblings(scope: Scope, call: Expr): boolean {
  return someExpr(
    call,
    (part) => {
      if (part.kind !== 'column' && part.kind !== 'whole-row') return false
      return scope.analysis.depthOf(part.relation) === scope.depth
    },
    true,
  )
}

function sourcesOf(scope: Scope, node: RangeFunction): Source[] {
  const { analysis } = scope
  const sources: Source[] = []
  for (const entry of node.functions ?? []) {
    const [callNode, definitionList] = nodeAs(entry, 'List')?.items ?? []
    const call = must(callNode)
    const own = nodeAs(definitionList, 'List')?.items ?? []
    const definitions = own.length > 0 ? own : (node.coldeflist ?? [])
    const several = own.length === 0 && (node.coldeflist ?? []).length === 0 ? unnestParts(call) : undefined
    for (const part of several ?? [call]) {
      const lastSet = scope.lastSet
      const raw = analyseExprIn(scope, part, 'from-function')
      const expr = raw.type === UNKNOWN_OID ? unknownToText(analysis, raw) : raw
      if (scope.lastSet !== lastSet && scope.lastSet !== expr && scope.lastSet !== undefined) {
        const message = 'set-returning functions must appear at top level of FROM'
        throw analysis.error('0A000', message, locationOf(scope.lastSet))
      }
      sources.push({ call: expr, name: nameOfExpr(part) ?? '?column?', definitions })
    }
  }
  if ((node.coldeflist ?? []).length > 0 && sources.length > 1) {
    const [message, hint] =
      node.is_rowsfrom === true
        ? [
            'ROWS FROM() with multiple functions cannot have a column definition list',
            'Put a separate column definition list for each function inside ROWS FROM().',
          ]
        : [
            'UNNEST() with multiple arguments cannot have a column definition list',
            'Use separate UNNEST() calls inside ROWS FROM(), and attach a column definition list to each one.',
          ]
    throw analysis.error('42601', message, undefined, { hint })
  }
  return sources
}

/** unnest(a, b) in FROM means ROWS FROM (unnest(a), unnest(b)). */
function unnestParts(node: Node): Node[] | undefined {
  const call = nodeAs(node, 'FuncCall')
  if (call === undefined || (call.args ?? []).length < 2) return undefined
  const names = stringsOf(call.funcname)
  const isPlain =
    names.length === 1 &&
    names[0] === 'unnest' &&
    call.agg_order === undefined &&
    call.agg_filter === undefined &&
    call.over === undefined &&
    call.agg_star !== true &&
    call.agg_distinct !== true &&
    call.func_variadic !== true
  if (!isPlain) return undefined
  const part = (arg: Node): FuncCall => ({
    funcname: [{ String: { sval: 'pg_catalog' } }, { String: { sval: 'unnest' } }],
    args: [arg],
    funcformat: 'COERCE_EXPLICIT_CALL',
    location: call.location ?? 0,
  })
  return (call.args ?? []).map((arg) => ({ FuncCall: part(arg) }))
}

function columnsOfSource(scope: Scope, source: Source, alias: string | undefined): readonly RelationColumn[] {
  const { analysis } = scope
  const { call, name, definitions } = source
  const outs = call.kind === 'set-call' ? call.function.columns : []
  if (definitions.length > 0) {
    checkDefinitions(scope, source, outs.length > 0)
    return definitions.map((node) => definedColumn(scope, node))
  }
  const column = (columnName: string, type: number, typmod = -1): RelationColumn => ({
    name: columnName,
    type,
    typmod,
    collation: analysis.collationOf(type),
  })
  if (call.type === RECORD_OID && outs.length > 1) return outs.map((out) => column(out.name, out.type))
  if (call.type === RECORD_OID) {
    const message = 'a column definition list is required for functions returning "record"'
    throw analysis.error('42601', message, locationOf(call))
  }
  if (isNamedRowType(analysis, call.type)) return compositeColumns(analysis, call.type)
  if (analysis.type(call.type).kind === 'pseudo' && analysis.type(call.type).name !== 'void') {
    const type = formatType(analysis.context, call.type)
    const message = `function "${name}" in FROM has unsupported return type ${type}`
    throw analysis.error('42804', message, locationOf(call))
  }
  return [column(outs[0]?.name ?? alias ?? name, call.type, call.typmod)]
}

function checkDefinitions(scope: Scope, { call, definitions }: Source, hasOuts: boolean): void {
  const { analysis } = scope
  const location = nodeAs(definitions[0], 'ColumnDef')?.location
  if (hasOuts) {
    const message = 'a column definition list is redundant for a function with OUT parameters'
    throw analysis.error('42601', message, location)
  }
  if (call.type === RECORD_OID) return
  const message = isNamedRowType(analysis, call.type)
    ? 'a column definition list is redundant for a function returning a named composite type'
    : 'a column definition list is only allowed for functions returning "record"'
  throw analysis.error('42601', message, location)
}

function definedColumn(scope: Scope, node: Node): RelationColumn {
  const definition = must(nodeAs(node, 'ColumnDef'))
  const { oid, typmod } = resolveTypeName(scope.analysis, must(definition.typeName))
  return { name: definition.colname ?? '', type: oid, typmod, collation: scope.analysis.collationOf(oid) }
}
