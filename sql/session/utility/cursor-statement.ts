// DECLARE CURSOR, FETCH, MOVE, CLOSE (documentation: DECLARE, FETCH). A cursor is a portal under a name.

import type { NodeOf } from '../../parse/ast.ts'
import type { ParsedStatement } from '../../parse/parse.ts'
import type { OutputColumn } from '../../exec/execution.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Row } from '../../types/value.ts'
import type { CachedStatement } from '../plan-cache.ts'
import { analysisContext, makePlan } from '../planning.ts'
import { Portal } from '../portal.ts'
import type { SessionCore } from '../session-core.ts'
import { tagOf } from '../../parse/ast.ts'
import { must } from '../../../storage/base/assert.ts'
import { PlannedStatement } from '../planned-statement.ts'
import type { UtilityCall, UtilityResult } from './utility.ts'

/** Bits of DeclareCursorStmt.options (parsenodes.h: CURSOR_OPT_*). */
const OPTION_SCROLL = 0x0002
const OPTION_NO_SCROLL = 0x0004
const OPTION_HOLD = 0x0020

/** FETCH ALL arrives as the largest long. */
const FETCH_ALL = 2 ** 63

export function declareCursor({ core, parsed, parameters, parameterTypes }: UtilityCall): UtilityResult {
  const statement = (parsed.node as { DeclareCursorStmt: NodeOf<'DeclareCursorStmt'> }).DeclareCursorStmt
  const name = statement.portalname ?? ''
  const options = statement.options ?? 0
  const isHoldable = (options & OPTION_HOLD) !== 0
  if (!isHoldable && !core.transaction.isBlock && !core.isMultiStatement) {
    throw new SqlError('25P01', 'DECLARE CURSOR can only be used in transaction blocks')
  }
  if (core.portals.has(name)) throw new SqlError('42P03', `cursor "${name}" already exists`)
  const query = must(statement.query)
  const inner: ParsedStatement = { ...parsed, node: query, tag: must(tagOf(query)) }
  const entry = (): CachedStatement => makePlan(core, inner, analysisContext(core, parameterTypes))
  const portal = new Portal(name, new PlannedStatement(core, entry(), parameters, entry), {
    parameters,
    isScrollable: (options & OPTION_SCROLL) !== 0 && (options & OPTION_NO_SCROLL) === 0,
    text: parsed.text,
    isCursor: true,
  })
  portal.isHoldable = isHoldable
  portal.prefetch()
  core.portals.set(name, portal)
  core.keepOpen(portal)
  return { tag: 'DECLARE CURSOR' }
}

function cursorNamed(core: SessionCore, name: string): Portal {
  const portal = core.portals.get(name)
  if (portal === undefined) throw new SqlError('34000', `cursor "${name}" does not exist`)
  return portal
}

export function fetchColumns(
  core: SessionCore,
  statement: NodeOf<'FetchStmt'>,
): readonly OutputColumn[] | undefined {
  if (statement.ismove === true) return undefined
  return core.portals.get(statement.portalname ?? '')?.statement.columns
}

export function fetchCursor({ core, parsed, portal: call }: UtilityCall): UtilityResult {
  const statement = (parsed.node as { FetchStmt: NodeOf<'FetchStmt'> }).FetchStmt
  const cursor = cursorNamed(core, statement.portalname ?? '')
  const fetch = (call.scratch ??= new CursorFetch(cursor, statement)) as CursorFetch
  fetch.run()
  core.keepOpen(cursor)
  const { rows } = fetch
  return statement.ismove === true ? { tag: `MOVE ${rows.length}` } : { tag: `FETCH ${rows.length}`, rows }
}

/** One FETCH under way: keeps what it has across suspensions. */
class CursorFetch {
  readonly rows: Row[] = []
  readonly #cursor: Portal
  readonly #statement: NodeOf<'FetchStmt'>
  #target: { next: number; step: 1 | -1; left: number } | undefined

  constructor(cursor: Portal, statement: NodeOf<'FetchStmt'>) {
    this.#cursor = cursor
    this.#statement = statement
  }

  run(): void {
    const target = (this.#target ??= this.#plan())
    const cursor = this.#cursor
    while (target.left > 0) {
      if (target.next < 1) {
        cursor.cursorAt = 0
        return
      }
      const row = cursor.rowAt(target.next)
      if (row === undefined) {
        cursor.cursorAt = cursor.position + 1
        return
      }
      this.rows.push(row)
      cursor.cursorAt = target.next
      target.next += target.step
      target.left--
    }
  }

  #plan(): { next: number; step: 1 | -1; left: number } {
    const at = this.#cursor.cursorAt
    const howMany = Number(this.#statement.howMany ?? 0)
    const count = Math.abs(howMany) >= FETCH_ALL ? Number.MAX_SAFE_INTEGER : Math.abs(howMany)
    switch (this.#statement.direction) {
      case 'FETCH_ABSOLUTE':
        if (howMany < 0) return this.#fromEnd(count)
        return { next: howMany, step: 1, left: 1 }
      case 'FETCH_RELATIVE':
        return { next: at + howMany, step: 1, left: 1 }
      default: {
        const isBackward = (this.#statement.direction === 'FETCH_BACKWARD') !== howMany < 0
        if (count === 0) return { next: at, step: 1, left: 1 }
        return isBackward ? { next: at - 1, step: -1, left: count } : { next: at + 1, step: 1, left: count }
      }
    }
  }

  /** FETCH LAST and ABSOLUTE -n: the whole result must be seen first. */
  #fromEnd(count: number): { next: number; step: 1 | -1; left: number } {
    this.#cursor.materialise()
    return { next: this.#cursor.keptCount - count + 1, step: 1, left: 1 }
  }
}

export function closeCursor({ core, parsed }: UtilityCall): UtilityResult {
  const { portalname } = (parsed.node as { ClosePortalStmt: NodeOf<'ClosePortalStmt'> }).ClosePortalStmt
  if (portalname === undefined) {
    for (const portal of core.portals.all()) if (portal.isCursor) core.closePortal(portal)
    return { tag: 'CLOSE CURSOR ALL' }
  }
  core.closePortal(cursorNamed(core, portalname))
  return { tag: 'CLOSE CURSOR' }
}
