// Splits. A full page keeps its lower cells and a new page to its right takes the others; their parent gets one more
// cell. A root that is full first moves into a page of its own, so that its number never changes.
//
//   before:  parent [.. P ..]          after:  parent [.. P | separator → Q ..]
//            P [a b c d]                       P [a b]   Q [c d]
//
// Where cells arrive in key order at the end of the tree, P stays full and Q begins empty.

import { assert } from '../base/assert.ts'
import { u16 } from '../base/bytes.ts'
import type { PageNo } from '../base/ids.ts'
import * as format from '../page/format.ts'
import type { SearchKey } from '../page/search.ts'
import type { MiniTransaction } from './mini-transaction.ts'
import type { TreePath } from './tree-path.ts'

const NONE = 0 as PageNo

/** A cell that is about to be inserted: where, its key, and the bytes it takes with its slot. */
interface NewCell {
  readonly slot: number
  readonly key: Uint8Array
  readonly keyStart: number
  readonly keyEnd: number
  readonly size: number
}

/** Makes room on the path's leaf for a cell at `slot`. Afterwards the path leads to where it goes, at the slot returned. */
export function splitLeaf(
  mtr: MiniTransaction,
  path: TreePath,
  slot: number,
  key: SearchKey,
  size: number,
): number {
  const bounded = path.readBound()
  assert(bounded, 'the pages of a change are resident')
  return split(mtr, path, 0, { slot, key: key.bytes, keyStart: key.start, keyEnd: key.end, size })
}

function split(mtr: MiniTransaction, path: TreePath, height: number, cell: NewCell): number {
  if (height === path.depth) growRoot(mtr, path)
  const { pool } = mtr.space
  const page = path.page(height)
  const frame = mtr.space.resident(page)
  const bytes = pool.buffer(frame)
  const at = pool.offset(frame)
  const count = format.pageCount(bytes, at)
  const point =
    path.rightmost && cell.slot === count ? { from: count, cellGoesRight: true } : middle(bytes, at, cell)
  const separator = separatorKey(bytes, at, point, cell)
  const makeRight = (): PageNo => {
    const right = mtr.allocate()
    moveCells(mtr, bytes, at, point.from, right)
    if (point.from < count) {
      mtr.writer.truncate(point.from)
      mtr.change(page)
    }
    return right
  }
  const followed = insertIntoParent(mtr, path, height, separator, makeRight)
  // The parent's split followed the new cell, away from the page that was split here.
  if (!followed && !point.cellGoesRight) path.valid = false
  if (!point.cellGoesRight) {
    if (height === 0) path.narrow(separator)
    return cell.slot
  }
  path.setSlotInParent(height, path.slotInParent(height) + 1)
  path.setPage(height, childOf(mtr, path, height))
  return cell.slot - point.from
}

/**
 * Adds a cell to the parent for the page that `makeChild` makes; makes room for it first. Returns false if the path now
 * leads along the parent of the new page only.
 */
function insertIntoParent(
  mtr: MiniTransaction,
  path: TreePath,
  height: number,
  separator: Buffer,
  makeChild: () => PageNo,
): boolean {
  const size = 2 + format.INNER_CELL_HEADER_SIZE_BYTES + separator.length + 4
  const { pool } = mtr.space
  let slot = path.slotInParent(height) + 1
  const frame = mtr.space.resident(path.page(height + 1))
  if (format.pageFreeBytes(pool.buffer(frame), pool.offset(frame)) < size) {
    const cell = { slot, key: separator, keyStart: 0, keyEnd: separator.length, size }
    slot = split(mtr, path, height + 1, cell)
    path.setSlotInParent(height, slot - 1)
  }
  insertChild(mtr, path.page(height + 1), slot, separator, makeChild())
  return slot > 0
}

function insertChild(mtr: MiniTransaction, parent: PageNo, slot: number, key: Buffer, child: PageNo): void {
  mtr.writer.insertCells(slot)
  mtr.writer.insertChild(key, 0, key.length, child)
  mtr.change(parent)
}

/** The page to which the path's slot in the parent at `height` + 1 leads. */
function childOf(mtr: MiniTransaction, path: TreePath, height: number): PageNo {
  const { pool } = mtr.space
  const frame = mtr.space.resident(path.page(height + 1))
  return format.childAt(pool.buffer(frame), pool.offset(frame), path.slotInParent(height))
}

function growRoot(mtr: MiniTransaction, path: TreePath): void {
  const { pool } = mtr.space
  const root = path.tree
  const frame = mtr.space.resident(root)
  const bytes = pool.buffer(frame)
  const at = pool.offset(frame)
  const child = mtr.allocate()
  moveCells(mtr, bytes, at, 0, child)
  mtr.writer.initPage(format.PAGE_TYPE_INNER, format.pageLevel(bytes, at) + 1, path.tree, NONE)
  mtr.writer.initChild(Buffer.alloc(0), 0, 0, child)
  mtr.change(root)
  path.growRoot(child)
}

/** Initialises `to` as a page like the one at `at`, with its cells from slot `from` on. */
function moveCells(mtr: MiniTransaction, bytes: Buffer, at: number, from: number, to: PageNo): void {
  const header = format.cellHeaderSize(bytes, at)
  const count = format.pageCount(bytes, at)
  mtr.writer.initPage(
    format.pageType(bytes, at),
    format.pageLevel(bytes, at),
    format.pageTree(bytes, at),
    NONE,
  )
  for (let slot = from; slot < count; slot++) {
    const cell = format.cellAt(bytes, at, slot)
    mtr.writer.initCell(bytes, cell, cell + format.cellSize(bytes, cell, header))
  }
  mtr.change(to)
}

interface SplitPoint {
  /** First slot that moves to the right page. */
  readonly from: number
  readonly cellGoesRight: boolean
}

/** Halves the bytes, those of the new cell included. Both pages have at least one cell in the end. */
function middle(bytes: Buffer, at: number, cell: NewCell): SplitPoint {
  const header = format.cellHeaderSize(bytes, at)
  const count = format.pageCount(bytes, at)
  assert(count > 0, 'a full page has cells')
  const half = (format.PAGE_BODY_SIZE_BYTES - format.pageFreeBytes(bytes, at) + cell.size) / 2
  let left = 0
  let kept = 0
  let cellKept = false
  while (left < half && kept + (cellKept ? 1 : 0) < count) {
    if (!cellKept && kept === cell.slot) {
      left += cell.size
      cellKept = true
    } else {
      left += 2 + format.cellSize(bytes, format.cellAt(bytes, at, kept), header)
      kept++
    }
  }
  return { from: kept, cellGoesRight: !cellKept }
}

/**
 * The key that separates the two pages: on leaves the shortest that does, on inner pages the right one's first. Integers
 * stay whole: pages with keys of one length are searched faster.
 */
function separatorKey(bytes: Buffer, at: number, point: SplitPoint, cell: NewCell): Buffer {
  const newKey = Buffer.from(cell.key.subarray(cell.keyStart, cell.keyEnd))
  const newIsFirstRight = point.cellGoesRight && cell.slot === point.from
  const right = newIsFirstRight ? newKey : keyOf(bytes, at, point.from)
  if (format.pageType(bytes, at) === format.PAGE_TYPE_INNER) return right
  const newIsLastLeft = !point.cellGoesRight && cell.slot === point.from
  if (right.length <= 8) return right
  const left = newIsLastLeft ? newKey : keyOf(bytes, at, point.from - 1)
  let common = 0
  while (common < left.length && left[common] === right[common]) common++
  assert(common < right.length, 'keys ascend')
  return right.subarray(0, common + 1)
}

function keyOf(bytes: Buffer, at: number, slot: number): Buffer {
  const cell = format.cellAt(bytes, at, slot)
  const start = cell + format.cellHeaderSize(bytes, at)
  return Buffer.from(bytes.subarray(start, start + (u16(bytes, cell) & format.CELL_KEY_LENGTH_MASK)))
}
