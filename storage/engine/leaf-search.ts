// Which of some pages are leaves of a tree, and what keys are on one: what comparing two versions of a tree needs. No leaf
// is read but those that are asked for.

import type { Lsn, PageNo, TreeId } from '../base/ids.ts'
import { readU64 } from '../log/record.ts'
import * as format from '../page/format.ts'
import type { CellVersion, LeafSearch } from './engine.ts'
import type { PageSpace } from './page-space.ts'

/** The cells on a page if it is a leaf of the tree at that point, in key order; undefined if it is not. May suspend. */
export function leafVersions(
  space: PageSpace,
  tree: TreeId,
  page: PageNo,
  readLsn: Lsn,
): readonly CellVersion[] | undefined {
  const frame = space.read(page, readLsn)
  const bytes = space.pool.buffer(frame)
  const at = space.pool.offset(frame)
  if (format.pageType(bytes, at) !== format.PAGE_TYPE_LEAF || format.pageTree(bytes, at) !== tree)
    return undefined
  const count = format.pageCount(bytes, at)
  const versions: CellVersion[] = []
  for (let slot = 0; slot < count; slot++) {
    const cell = format.cellAt(bytes, at, slot)
    const keyLength = bytes.readUInt16LE(cell) & format.CELL_KEY_LENGTH_MASK
    const start = cell + format.LEAF_CELL_HEADER_SIZE_BYTES
    versions.push({
      key: Buffer.from(bytes.subarray(start, start + keyLength)),
      lsn: readU64(bytes, cell + 4) as Lsn,
    })
  }
  return versions
}

/**
 * Those of `pages` that are leaves of the tree, found from its inner pages alone. One call of `next` reads one inner page;
 * it may suspend and is then made again.
 */
export class InnerPageSearch implements LeafSearch {
  readonly #space: PageSpace
  readonly #tree: TreeId
  readonly #readLsn: Lsn
  readonly #wanted: ReadonlySet<PageNo>
  readonly #inner: PageNo[]
  readonly found: PageNo[] = []

  constructor(space: PageSpace, tree: TreeId, readLsn: Lsn, wanted: ReadonlySet<PageNo>) {
    this.#space = space
    this.#tree = tree
    this.#readLsn = readLsn
    this.#wanted = wanted
    this.#inner = [tree]
  }

  /** False when all inner pages were read. */
  next(): boolean {
    const page = this.#inner.at(-1)
    if (page === undefined) return false
    const frame = this.#space.read(page, this.#readLsn)
    const bytes = this.#space.pool.buffer(frame)
    const at = this.#space.pool.offset(frame)
    this.#inner.pop()
    if (format.pageType(bytes, at) !== format.PAGE_TYPE_INNER) {
      if (page === this.#tree && this.#wanted.has(page)) this.found.push(page)
      return true
    }
    const aboveLeaves = format.pageLevel(bytes, at) === 1
    const count = format.pageCount(bytes, at)
    for (let slot = 0; slot < count; slot++) {
      const child = format.childAt(bytes, at, slot)
      if (!aboveLeaves) this.#inner.push(child)
      else if (this.#wanted.has(child)) this.found.push(child)
    }
    return true
  }
}
