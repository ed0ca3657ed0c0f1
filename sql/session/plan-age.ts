// Whether the tables a plan was made for are still about as large as they were. A plan stays right whatever happens to
// them, but what was best for an empty table can be a thousand times worse for a full one.
//
// Asking costs a few page looks, so it is done at uses 1, 2, 4, 8, ... of a plan and at every 1024th from there on.

const USES_BETWEEN_MAX = 1024
/** A table that changed by this factor, and by so many rows, is another one to the planner. */
const FACTOR = 2
const ROWS_MIN = 1000

/** Says how many rows a table has about now. */
export interface TableSizes {
  estimate(relationOid: number): { readonly tuples: number }
}

export class PlanAge {
  /** Rows of each table at planning, by oid. */
  readonly #rows: ReadonlyMap<number, number>
  #uses = 0
  #nextCheck = 1

  constructor(rows: ReadonlyMap<number, number>) {
    this.#rows = rows
  }

  /** Counts a use. Looking at the tables may suspend; then the use is counted again. */
  isCurrent(tables: TableSizes): boolean {
    if (++this.#uses < this.#nextCheck) return true
    for (const [oid, before] of this.#rows) if (hasChanged(before, tables.estimate(oid).tuples)) return false
    this.#nextCheck = this.#uses + Math.min(this.#uses, USES_BETWEEN_MAX)
    return true
  }
}

function hasChanged(before: number, now: number): boolean {
  const [less, more] = before < now ? [before, now] : [now, before]
  return more - less > ROWS_MIN && more > less * FACTOR
}
