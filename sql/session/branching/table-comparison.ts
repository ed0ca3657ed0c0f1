// What changed in one table between two places.
//
//   pages changed since both were one ─▶ those that are leaves of the table ─▶ cells that are not the same version on
//   both sides ─▶ rows, matched by identity ─▶ insert, update, delete
//
// Only changed leaves are read, and the tree's inner pages where that tells which of many changed pages are its leaves. A
// table whose tree is another one (TRUNCATE, rewritten by ALTER TABLE) is read whole on both sides, and so are tables of
// databases that have no history in common.

import type { Lsn, PageNo, TreeId } from '../../../storage/base/ids.ts'
import type { Cell, CellVersion, Divergence, View } from '../../../storage/engine/engine.ts'
import type { Row } from '../../types/value.ts'
import type { TableReader, TableShape } from './table-reader.ts'
import type { Task } from './task-rows.ts'

export interface RowChange {
  readonly identity: string
  readonly old: Row | undefined
  readonly new: Row | undefined
}

/** The two versions; a side where the table does not exist is undefined. */
export interface Comparison {
  readonly shape: TableShape
  readonly from: TableReader | undefined
  readonly to: TableReader | undefined
  /** Undefined: the places are not related. Without pages: they parted too long ago, all is read. */
  readonly divergence: Divergence | undefined
}

/** Steps between two looks at whether others should run. */
const CHECKPOINT_MASK = 63
/** Up to so many changed pages are looked at directly, whatever table they belong to. */
const FEW_PAGES = 16
const PAGES_PER_INNER_PAGE = 100

/** The changes in order of identity. */
export async function compareTable(task: Task, comparison: Comparison): Promise<readonly RowChange[]> {
  const { from, to, divergence, shape } = comparison
  const isSameTree = from !== undefined && to !== undefined && from.theirs.tree === to.theirs.tree
  const [old, current] =
    isSameTree && divergence?.pages !== undefined
      ? await changedRows(task, from, to, divergence.pages, divergence.common.lsn)
      : [await allRows(task, from), await allRows(task, to)]
  return matchRows(shape, old, current)
}

async function allRows(task: Task, reader: TableReader | undefined): Promise<readonly Row[]> {
  if (reader === undefined) return []
  const rows: Row[] = []
  const { view } = reader.place
  const cursor = view.database.cursor(view, reader.theirs.tree)
  cursor.seek(undefined, undefined)
  await task.step(() => {
    while (cursor.next()) {
      rows.push(reader.read(cursor.cell))
      if ((rows.length & CHECKPOINT_MASK) === 0) task.checkpoint()
    }
  })
  return rows
}

async function changedRows(
  task: Task,
  from: TableReader,
  to: TableReader,
  pages: ReadonlySet<PageNo>,
  commonLsn: Lsn,
): Promise<readonly [old: readonly Row[], current: readonly Row[]]> {
  const { tree } = from.theirs
  const leaves = await leavesAmong(task, tree, [from.place.view, to.place.view], pages)
  const old = new Map<string, CellVersion>()
  const current = new Map<string, CellVersion>()
  let at = 0
  await task.step(() => {
    for (; at < leaves.length; at++) {
      const page = leaves[at] as PageNo
      const before = versionsOn(from.place.view, tree, page)
      const after = versionsOn(to.place.view, tree, page)
      addVersions(old, before)
      addVersions(current, after)
      if ((at & CHECKPOINT_MASK) === CHECKPOINT_MASK) task.checkpoint()
    }
  })
  for (const [key, { lsn }] of old) {
    // Above the common point equal LSNs mean nothing: two branches give out the same numbers.
    if (lsn > commonLsn || current.get(key)?.lsn !== lsn) continue
    old.delete(key)
    current.delete(key)
  }
  return [await rowsOf(task, from, old), await rowsOf(task, to, current)]
}

const NO_VERSIONS: readonly CellVersion[] = []

function versionsOn(view: View, tree: TreeId, page: PageNo): readonly CellVersion[] {
  return view.database.leafVersions(view, tree, page) ?? NO_VERSIONS
}

function addVersions(to: Map<string, CellVersion>, versions: readonly CellVersion[]): void {
  for (const version of versions) to.set(version.key.toString('latin1'), version)
}

/** Those of the changed pages that are leaves of the tree on either side, or few enough to look at them all. */
async function leavesAmong(
  task: Task,
  tree: TreeId,
  views: readonly View[],
  pages: ReadonlySet<PageNo>,
): Promise<readonly PageNo[]> {
  const leaves = new Set<PageNo>()
  for (const view of views) {
    const { pageCount } = await task.step(() => view.database.estimate(view, tree))
    if (pages.size <= FEW_PAGES + pageCount / PAGES_PER_INNER_PAGE) return [...pages]
    const search = view.database.leafSearch(view, tree, pages)
    await task.step(() => {
      while (search.next()) task.checkpoint()
    })
    for (const page of search.found) leaves.add(page)
  }
  return [...leaves]
}

async function rowsOf(
  task: Task,
  reader: TableReader,
  versions: ReadonlyMap<string, CellVersion>,
): Promise<readonly Row[]> {
  const { view } = reader.place
  const { tree } = reader.theirs
  const keys = [...versions.values()]
  const rows: Row[] = []
  await task.step(() => {
    while (rows.length < keys.length) {
      const { key } = keys[rows.length] as CellVersion
      rows.push(reader.read(view.database.get(view, tree, key) as Cell))
      if ((rows.length & CHECKPOINT_MASK) === 0) task.checkpoint()
    }
  })
  return rows
}

interface Pair {
  readonly old: Row[]
  readonly current: Row[]
}

/** Pairs the rows of one identity; equal ones are no change. */
function matchRows(shape: TableShape, old: readonly Row[], current: readonly Row[]): readonly RowChange[] {
  const pairs = new Map<string, Pair>()
  const pairOf = (identity: string): Pair => {
    let pair = pairs.get(identity)
    if (pair === undefined) pairs.set(identity, (pair = { old: [], current: [] }))
    return pair
  }
  for (const row of old) pairOf(shape.identity(row)).old.push(row)
  for (const row of current) pairOf(shape.identity(row)).current.push(row)
  const changes: RowChange[] = []
  for (const [identity, pair] of pairs) {
    const count = Math.max(pair.old.length, pair.current.length)
    for (let i = 0; i < count; i++) {
      const [before, after] = [pair.old[i], pair.current[i]]
      if (before !== undefined && after !== undefined && shape.bytes(before) === shape.bytes(after)) continue
      changes.push({ identity, old: before, new: after })
    }
  }
  return changes.sort((a, b) => (a.identity < b.identity ? -1 : a.identity > b.identity ? 1 : 0))
}
