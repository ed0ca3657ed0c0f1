// What the session must know of a statement before it runs: tables with lock modes, privileges, whether it writes.
//
// Tables behind a view are read with the view owner's rights: the reader needs SELECT on the view only.

import { visitQuery, someExpr } from '../exec/expression/walk.ts'
import type { PreparedPlan } from '../exec/execution.ts'
import type { Expr } from '../tree/expr.ts'
import type { From, Modify, Query } from '../tree/query.ts'

export interface StatementFacts {
  readonly writes: boolean
  readonly tables: PreparedPlan['tables']
  readonly privileges: PreparedPlan['privileges']
}

/** Functions that change sequences or take locks: they need a transaction to do it in. */
const WRITING_FUNCTIONS: ReadonlySet<string> = new Set(['nextval', 'setval'])

export function describeStatement(body: Query | Modify): StatementFacts {
  const collector = new Collector()
  collector.statement(body, true)
  let writes = collector.writes
  visitQuery(body, (expr) => {
    writes ||= isWriting(expr)
  })
  const tables = [...collector.modes].map(([oid, mode]) => ({ oid, mode }))
  const privileges = [...collector.letters].map(([relation, letters]) => ({ relation, privilege: [...letters].join('') }))
  return { writes, tables, privileges }
}

function isWriting(expr: Expr): boolean {
  return expr.kind === 'next-value' || (expr.kind === 'call' && WRITING_FUNCTIONS.has(expr.function.name))
}

class Collector {
  writes = false
  readonly modes = new Map<number, 1 | 2 | 3>()
  readonly letters = new Map<number, Set<string>>()

  statement(body: Query | Modify, isChecked: boolean): void {
    for (const cte of body.ctes) this.statement(cte.query, isChecked)
    switch (body.kind) {
      case 'select':
        for (const from of body.from) this.#from(from, isChecked)
        for (const locking of body.locking) this.#lock(body.from, locking.relations, isChecked)
        break
      case 'set':
        this.statement(body.left, isChecked)
        this.statement(body.right, isChecked)
        break
      case 'values':
        break
      default:
        this.#modify(body, isChecked)
    }
    this.#subqueries(body, isChecked)
  }

  #modify(body: Modify, isChecked: boolean): void {
    this.writes = true
    this.#table(body.table.oid, 3)
    const letter = body.kind === 'insert' ? 'a' : body.kind === 'update' ? 'w' : 'd'
    this.#privilege(body.table.oid, letter, isChecked)
    if (body.kind === 'insert') {
      this.statement(body.source, isChecked)
      if (body.onConflict?.action === 'update') this.#privilege(body.table.oid, 'w', isChecked)
      if (body.returning.length > 0) this.#privilege(body.table.oid, 'r', isChecked)
      return
    }
    for (const from of body.kind === 'update' ? body.from : body.using) this.#from(from, isChecked)
    const exprs = [body.where, ...body.returning.map((target) => target.expr)]
    if (body.kind === 'update') exprs.push(...body.assignments.map((one) => one.expr))
    const reads = exprs.some((expr) => expr !== undefined && someExpr(expr, (one) => one.kind === 'column' && one.relation === body.target))
    if (reads) this.#privilege(body.table.oid, 'r', isChecked)
  }

  /** Queries inside expressions. */
  #subqueries(body: Query | Modify, isChecked: boolean): void {
    const own: Query[] = []
    visitQuery(body, (expr) => {
      if (expr.kind === 'subquery') own.push(expr.query)
    })
    for (const query of own) this.#shallow(query, isChecked)
  }

  /** A subquery's FROM; visitQuery has already found the subqueries inside it. */
  #shallow(query: Query, isChecked: boolean): void {
    for (const cte of query.ctes) this.statement(cte.query, isChecked)
    if (query.kind === 'select') for (const from of query.from) this.#from(from, isChecked)
    if (query.kind === 'set') {
      this.#shallow(query.left, isChecked)
      this.#shallow(query.right, isChecked)
    }
  }

  #from(from: From, isChecked: boolean): void {
    switch (from.kind) {
      case 'join':
        this.#from(from.left, isChecked)
        this.#from(from.right, isChecked)
        return
      case 'table':
        if (from.table.virtual === undefined) this.#table(from.table.oid, 1)
        this.#privilege(from.table.oid, 'r', isChecked)
        return
      case 'subquery':
        if (from.viewOid !== undefined) this.#privilege(from.viewOid, 'r', isChecked)
        this.statement(from.query, isChecked && from.viewOid === undefined)
        return
      default:
        return
    }
  }

  #lock(items: readonly From[], relations: readonly number[], isChecked: boolean): void {
    this.writes = true
    for (const from of items) {
      if (from.kind === 'join') this.#lock([from.left, from.right], relations, isChecked)
      else if (from.kind === 'table' && relations.includes(from.id)) {
        this.#table(from.table.oid, 2)
        this.#privilege(from.table.oid, 'w', isChecked)
      }
    }
  }

  #table(oid: number, mode: 1 | 2 | 3): void {
    this.modes.set(oid, Math.max(mode, this.modes.get(oid) ?? 1) as 1 | 2 | 3)
  }

  #privilege(oid: number, letter: string, isChecked: boolean): void {
    if (!isChecked) return
    const letters = this.letters.get(oid)
    if (letters === undefined) this.letters.set(oid, new Set([letter]))
    else letters.add(letter)
  }
}
