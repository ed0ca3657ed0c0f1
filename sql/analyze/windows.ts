// Window definitions: the WINDOW clause and what stands in OVER (...) (documentation, section 4.2.8).
//
// The grammar packs a frame into bits; they are unpacked here and nowhere else.

import { must } from '../../storage/base/assert.ts'
import type { Node, WindowDef } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import type { FrameBound, SortKey, WindowClause } from '../tree/query.ts'
import { eachDescendant } from '../tree/walk.ts'
import {
  DATE_OID,
  INT8_OID,
  INTERVAL_OID,
  TIMESTAMPTZ_OID,
  TIMESTAMP_OID,
  TIMETZ_OID,
  TIME_OID,
  UNKNOWN_OID,
  INT4_OID,
  INT2_OID,
} from '../types/oids.ts'
import { resolveExpression, uniqueKeys } from './clauses.ts'
import { canCoerce, coerceTo } from './coerce.ts'
import { coerceToWanted } from './common-type.ts'
import { analyseExprIn } from './expr.ts'
import { formatType } from './format-type.ts'
import type { Scope } from './scope.ts'
import { sortKey } from './sort-key.ts'
import type { MutableTarget } from './targets.ts'

const FRAME = {
  nonDefault: 0x1,
  range: 0x2,
  rows: 0x4,
  groups: 0x8,
  between: 0x10,
  startUnboundedPreceding: 0x20,
  endUnboundedPreceding: 0x40,
  startUnboundedFollowing: 0x80,
  endUnboundedFollowing: 0x100,
  startCurrentRow: 0x200,
  endCurrentRow: 0x400,
  startOffsetPreceding: 0x800,
  endOffsetPreceding: 0x1000,
  startOffsetFollowing: 0x2000,
  endOffsetFollowing: 0x4000,
  excludeCurrentRow: 0x8000,
  excludeGroup: 0x10000,
  excludeTies: 0x20000,
} as const

/** Makes the WINDOW clause's definitions known, so that OVER can name them. */
export function declareWindows(scope: Scope, nodes: readonly Node[] | undefined): void {
  for (const node of nodes ?? []) scope.windowDefinitions.push(must(nodeAs(node, 'WindowDef')))
}

/** Settles all definitions, in the order in which they refer to each other. @throws SqlError 42P20, 42704. */
export function analyseWindows(scope: Scope, targets: readonly MutableTarget[]): WindowClause[] {
  const windows: WindowClause[] = []
  for (const definition of scope.windowDefinitions) {
    windows.push(analyseWindow(scope, definition, windows, targets))
  }
  return windows
}

function analyseWindow(
  scope: Scope,
  definition: WindowDef,
  earlier: readonly WindowClause[],
  targets: readonly MutableTarget[],
): WindowClause {
  const { analysis } = scope
  const location = definition.location ?? 0
  const { name, refname } = definition
  if (name !== undefined && earlier.some((window) => window.name === name)) {
    throw analysis.error('42P20', `window "${name}" is already defined`, location)
  }
  const base = refname === undefined ? undefined : earlier.find((window) => window.name === refname)
  if (refname !== undefined && base === undefined) {
    throw analysis.error('42704', `window "${refname}" does not exist`, location)
  }
  const orderBy = sortKeys(scope, definition.orderClause, targets, 'window-order')
  const partitionBy = sortKeys(scope, definition.partitionClause, targets, 'window-partition')
  if (base !== undefined) checkOverride(scope, definition, base, must(refname))
  const keys = base !== undefined && orderBy.length === 0 ? base.orderBy : orderBy
  return {
    name,
    partitionBy: base === undefined ? partitionBy : base.partitionBy,
    orderBy: keys,
    frame: analyseFrame(scope, definition, keys),
    notation: {
      base: refname,
      hasOwnOrder: orderBy.length > 0,
      hasFrame: ((definition.frameOptions ?? 0) & FRAME.nonDefault) !== 0,
      hasBetween: ((definition.frameOptions ?? 0) & FRAME.between) !== 0,
    },
  }
}

function checkOverride(scope: Scope, definition: WindowDef, base: WindowClause, refname: string): void {
  const { analysis } = scope
  const location = definition.location ?? 0
  const fail = (what: string): never => {
    throw analysis.error('42P20', `cannot ${what} window "${refname}"`, location)
  }
  if (definition.partitionClause !== undefined) fail('override PARTITION BY clause of')
  if (definition.orderClause !== undefined && base.orderBy.length > 0) fail('override ORDER BY clause of')
  const baseDefinition = scope.windowDefinitions.find((candidate) => candidate.name === refname)
  if (((baseDefinition?.frameOptions ?? 0) & FRAME.nonDefault) === 0) return
  const isBare =
    definition.name !== undefined ||
    definition.orderClause !== undefined ||
    ((definition.frameOptions ?? 0) & FRAME.nonDefault) !== 0
  throw analysis.error('42P20', `cannot copy window "${refname}" because it has a frame clause`, location, {
    hint: isBare ? undefined : 'Omit the parentheses in this OVER clause.',
  })
}

function sortKeys(
  scope: Scope,
  nodes: readonly Node[] | undefined,
  targets: readonly MutableTarget[],
  kind: 'window-order' | 'window-partition',
): SortKey[] {
  return uniqueKeys(
    (nodes ?? []).map((node) => {
      const sort = nodeAs(node, 'SortBy') ?? { node }
      return sortKey(scope, sort, resolveExpression(scope, must(sort.node), targets, kind))
    }),
  )
}

function analyseFrame(
  scope: Scope,
  definition: WindowDef,
  orderBy: readonly SortKey[],
): WindowClause['frame'] {
  const { analysis } = scope
  const options = definition.frameOptions ?? 0
  const has = (bit: number): boolean => (options & bit) !== 0
  const mode = has(FRAME.rows) ? 'rows' : has(FRAME.groups) ? 'groups' : 'range'
  const location = definition.location ?? 0
  const hasOffset = definition.startOffset !== undefined || definition.endOffset !== undefined
  if (mode === 'range' && hasOffset && orderBy.length !== 1) {
    const message = 'RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column'
    throw analysis.error('42P20', message, location)
  }
  if (mode === 'groups' && orderBy.length === 0) {
    throw analysis.error('42P20', 'GROUPS mode requires an ORDER BY clause', location)
  }
  const offset = (node: Node | undefined): Expr | undefined =>
    node === undefined ? undefined : analyseOffset(scope, node, mode, orderBy)
  const start: FrameBound = {
    kind: has(FRAME.startUnboundedPreceding)
      ? 'unbounded-preceding'
      : has(FRAME.startUnboundedFollowing)
        ? 'unbounded-following'
        : has(FRAME.startCurrentRow)
          ? 'current-row'
          : has(FRAME.startOffsetPreceding)
            ? 'preceding'
            : 'following',
    offset: offset(definition.startOffset),
  }
  const end: FrameBound = {
    kind: has(FRAME.endUnboundedFollowing)
      ? 'unbounded-following'
      : has(FRAME.endUnboundedPreceding)
        ? 'unbounded-preceding'
        : has(FRAME.endCurrentRow)
          ? 'current-row'
          : has(FRAME.endOffsetPreceding)
            ? 'preceding'
            : 'following',
    offset: offset(definition.endOffset),
  }
  const exclude = has(FRAME.excludeCurrentRow)
    ? 'current-row'
    : has(FRAME.excludeGroup)
      ? 'group'
      : has(FRAME.excludeTies)
        ? 'ties'
        : 'no-others'
  return { mode, start, end, exclude }
}

const DATETIMES: ReadonlySet<number> = new Set([
  DATE_OID,
  TIME_OID,
  TIMETZ_OID,
  TIMESTAMP_OID,
  TIMESTAMPTZ_OID,
])
const INTEGERS: ReadonlySet<number> = new Set([INT2_OID, INT4_OID, INT8_OID])

function analyseOffset(
  scope: Scope,
  node: Node,
  mode: 'rows' | 'range' | 'groups',
  orderBy: readonly SortKey[],
): Expr {
  const { analysis } = scope
  const raw = analyseExprIn(scope, node, `window-${mode}`)
  const expr =
    mode === 'range'
      ? rangeOffset(scope, raw, must(orderBy[0]).expr.type)
      : coerceToWanted(analysis, raw, INT8_OID, mode.toUpperCase())
  eachDescendant(expr, (part) => {
    if (
      (part.kind === 'column' || part.kind === 'whole-row') &&
      analysis.depthOf(part.relation) === scope.depth
    ) {
      throw analysis.error(
        '42P10',
        `argument of ${mode.toUpperCase()} must not contain variables`,
        part.location,
      )
    }
  })
  return expr
}

/** What is added to the sort key: an interval for dates and times, else the key's own type. */
function rangeOffset(scope: Scope, raw: Expr, keyType: number): Expr {
  const { analysis } = scope
  const own = raw.type === UNKNOWN_OID ? keyType : raw.type
  const type =
    DATETIMES.has(keyType) || keyType === INTERVAL_OID ? INTERVAL_OID : INTEGERS.has(own) ? own : keyType
  const isOrdered = ['N', 'D', 'T'].includes(analysis.type(keyType).category)
  const keyName = formatType(analysis.context, keyType)
  if (!isOrdered) {
    const message = `RANGE with offset PRECEDING/FOLLOWING is not supported for column type ${keyName}`
    throw analysis.error('0A000', message, locationOf(raw))
  }
  if (!canCoerce(analysis, raw.type, type, 'implicit')) {
    const message =
      `RANGE with offset PRECEDING/FOLLOWING is not supported for column type ${keyName} ` +
      `and offset type ${formatType(analysis.context, raw.type)}`
    throw analysis.error('0A000', message, locationOf(raw), {
      hint: 'Cast the offset value to an appropriate type.',
    })
  }
  const conversion = { type, typmod: -1, context: 'implicit', form: 'implicit-cast', location: -1 } as const
  return must(coerceTo(analysis, raw, conversion))
}
