// FOR UPDATE, FOR SHARE and their kin (documentation, SELECT, "The Locking Clause").

import type { LockingClause, Node } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { RelationId } from '../tree/expr.ts'
import type { From, RowLocking, SelectQuery } from '../tree/query.ts'
import type { Scope } from './scope.ts'

const STRENGTHS: Readonly<Record<string, readonly [RowLocking['strength'], string]>> = {
  LCS_FORKEYSHARE: ['key-share', 'FOR KEY SHARE'],
  LCS_FORSHARE: ['share', 'FOR SHARE'],
  LCS_FORNOKEYUPDATE: ['no-key-update', 'FOR NO KEY UPDATE'],
  LCS_FORUPDATE: ['update', 'FOR UPDATE'],
}

const WAITS: Readonly<Record<string, RowLocking['wait']>> = {
  LockWaitBlock: 'wait',
  LockWaitSkip: 'skip',
  LockWaitError: 'nowait',
}

/** The clause's words, for messages: FOR UPDATE. */
export function lockingName(clause: LockingClause): string {
  return STRENGTHS[clause.strength ?? '']?.[1] ?? 'FOR UPDATE'
}

/** @throws SqlError 0A000 where rows cannot be locked, 42P01 for a name that FROM does not have. */
export function analyseLocking(
  scope: Scope,
  nodes: readonly Node[] | undefined,
  query: SelectQuery,
): RowLocking[] {
  return (nodes ?? []).flatMap((node) => {
    const clause = nodeAs(node, 'LockingClause')
    return clause === undefined ? [] : [analyseClause(scope, clause, query)]
  })
}

function analyseClause(scope: Scope, clause: LockingClause, query: SelectQuery): RowLocking {
  checkQuery(scope, lockingName(clause), query)
  const named = clause.lockedRels ?? []
  const entries = query.from.flatMap(entriesOf)
  const relations =
    named.length === 0
      ? entries.filter(canLock).map((entry) => entry.id)
      : named.map((node) => namedEntry(scope, clause, node, entries))
  return {
    strength: STRENGTHS[clause.strength ?? '']?.[0] ?? 'update',
    wait: WAITS[clause.waitPolicy ?? ''] ?? 'wait',
    relations,
  }
}

type Entry = Exclude<From, { kind: 'join' }>

function entriesOf(from: From): Entry[] {
  return from.kind === 'join' ? [...entriesOf(from.left), ...entriesOf(from.right)] : [from]
}

const canLock = (entry: Entry): boolean => entry.kind === 'table' || entry.kind === 'subquery'

function checkQuery(scope: Scope, name: string, query: SelectQuery): void {
  const refuse = (what: string): never => {
    throw scope.analysis.error('0A000', `${name} is not allowed with ${what}`)
  }
  if (query.distinct !== undefined) refuse('DISTINCT clause')
  if (query.groupingSets.length > 0) refuse('GROUP BY clause')
  if (query.having !== undefined) refuse('HAVING clause')
  if (query.hasAggregates) refuse('aggregate functions')
  if (scope.hasWindows) refuse('window functions')
  if (scope.hasTargetSets) refuse('set-returning functions in the target list')
}

const REFUSED: Partial<Record<Entry['kind'], string>> = {
  function: 'a function',
  values: 'VALUES',
  cte: 'a WITH query',
}

function namedEntry(scope: Scope, clause: LockingClause, node: Node, entries: readonly Entry[]): RelationId {
  const { analysis } = scope
  const name = nodeAs(node, 'RangeVar')
  const words = lockingName(clause)
  const location = name?.location ?? 0
  if (name?.schemaname !== undefined || name?.catalogname !== undefined) {
    throw analysis.error('42601', `${words} must specify unqualified relation names`, location)
  }
  const entry = entries.find((candidate) => candidate.alias === name?.relname)
  if (entry === undefined) {
    const isJoin = scope.items.some((item) => item.relation === undefined && item.alias === name?.relname)
    if (isJoin) throw analysis.error('0A000', `${words} cannot be applied to a join`, location)
    throw analysis.error(
      '42P01',
      `relation "${name?.relname}" in ${words} clause not found in FROM clause`,
      location,
    )
  }
  const refused = REFUSED[entry.kind]
  if (refused !== undefined)
    throw analysis.error('0A000', `${words} cannot be applied to ${refused}`, location)
  return entry.id
}
