// Fills an empty tree from cells in ascending order: each page is built full, off to the side, and written once, as one
// initLeaf or initPage record. No descent, no slot search, no split, and no chain of records for storage nodes to walk.
//
//   add ─▶ [leaf being filled] ─full─▶ page 17, page 18, ...
//               └─ separator, page ─▶ [level 1 being filled] ─full─▶ page 40 ...
//                                          └─ separator, page ─▶ [level 2 ...]        finish: the last one is the root
//
// Frames and room in the log are the caller's to provide before each `add` that does not `fit`, and before `finish`: one
// page for every level. Nothing in here waits.

import { assert } from '../base/assert.ts'
import { copyBytes, copyWords, putU16, putU32, u16, viewOf } from '../base/bytes.ts'
import type { PageNo, TreeId } from '../base/ids.ts'
import * as format from '../page/format.ts'
import { INSERT_CELL_HEADER_SIZE_BYTES } from '../log/body.ts'
import type { MiniTransaction } from './mini-transaction.ts'

const NONE = 0 as PageNo
const NO_KEY = Buffer.alloc(0)
const CHILD_SIZE_BYTES = 4
const SLOT_SIZE_BYTES = 2
/** What a leaf cell has on its page and not in its record. */
const CELL_LSN_SIZE_BYTES = 8

/** A page being filled: its cells as they will stand in the record. */
interface Filling {
  readonly cells: Buffer
  readonly view: DataView
  used: number
  count: number
  /** Where the last cell begins in `cells`. */
  lastAt: number
  /** What separates this page from the one before it; empty for the first of its level. */
  separator: Buffer
}

export class BulkLoader {
  private readonly mtr: MiniTransaction
  private tree: TreeId = NONE
  /** By level, leaves first. */
  private levels: Filling[] = [newFilling()]
  private leaf: Filling = this.levels[0] as Filling

  constructor(mtr: MiniTransaction) {
    this.mtr = mtr
  }

  /** Begins a tree whose root is an empty leaf. */
  begin(tree: TreeId): void {
    this.tree = tree
    this.levels.length = 1
    empty(this.leaf, NO_KEY)
  }

  /** Whether a cell with a key and a value of these lengths goes onto the leaf being filled. */
  fits(keyLength: number, valueLength: number): boolean {
    const { used, count } = this.leaf
    const size =
      used + count * CELL_LSN_SIZE_BYTES + format.LEAF_CELL_HEADER_SIZE_BYTES + keyLength + valueLength
    return size + (count + 1) * SLOT_SIZE_BYTES <= format.PAGE_BODY_SIZE_BYTES
  }

  /** Adds a cell behind all others. `flags`: CELL_FLAG_OVERFLOW if the value is an overflow reference. */
  add(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    flags: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    if (!this.fits(keyEnd - keyStart, valueEnd - valueStart)) {
      this.write(0, separatorKey(this.leaf, keyBytes, keyStart, keyEnd))
    }
    const at = this.place(keyEnd - keyStart, flags, valueEnd - valueStart)
    const { cells } = this.leaf
    copyBytes(keyBytes, keyStart, keyEnd, cells, at)
    copyBytes(valueBytes, valueStart, valueEnd, cells, at + keyEnd - keyStart)
  }

  /** The same for a key in [start, middle) and its value in [middle, end). `view` is of `bytes`. */
  addPair(bytes: Uint8Array, view: DataView, start: number, middle: number, end: number): void {
    if (!this.fits(middle - start, end - middle)) {
      this.write(0, separatorKey(this.leaf, bytes, start, middle))
    }
    const at = this.place(middle - start, 0, end - middle)
    copyWords(view, start, end, this.leaf.view, at)
  }

  /** Begins a cell on the leaf being filled; where its key goes. */
  private place(keyLength: number, flags: number, valueLength: number): number {
    const { leaf } = this
    const { cells, used } = leaf
    leaf.lastAt = used
    leaf.count++
    putU16(cells, used, keyLength | flags)
    putU16(cells, used + 2, valueLength)
    const at = used + INSERT_CELL_HEADER_SIZE_BYTES
    leaf.used = at + keyLength + valueLength
    return at
  }

  /** Writes what is being filled; the topmost page becomes the root, which must be resident. */
  finish(): void {
    for (let level = 0; level < this.levels.length - 1; level++) this.write(level, NO_KEY)
    this.writePage(this.levels.length - 1, this.tree)
  }

  /** Writes the page being filled at a level, tells the level above, and begins the next, which `separator` sets apart. */
  private write(level: number, separator: Buffer): void {
    const filling = this.levels[level] as Filling
    const page = this.mtr.allocate()
    this.writePage(level, page)
    this.addChild(level + 1, filling.separator, page)
    empty(filling, separator)
  }

  private writePage(level: number, page: PageNo): void {
    const { cells, used, count } = this.levels[level] as Filling
    const { writer } = this.mtr
    if (level === 0) writer.initLeaf(this.tree, cells, used, count)
    else {
      writer.initPage(format.PAGE_TYPE_INNER, level, this.tree, NONE)
      writer.initCells(cells, used, count)
    }
    this.mtr.change(page)
  }

  private addChild(level: number, separator: Buffer, child: PageNo): void {
    const filling = (this.levels[level] ??= newFilling())
    const size = format.INNER_CELL_HEADER_SIZE_BYTES + separator.length + CHILD_SIZE_BYTES
    if (!hasRoom(filling, size)) this.write(level, separator)
    const { cells, used } = filling
    assert(hasRoom(filling, size), 'an inner page has room for some children')
    putU16(cells, used, separator.length)
    putU16(cells, used + 2, CHILD_SIZE_BYTES)
    separator.copy(cells, used + format.INNER_CELL_HEADER_SIZE_BYTES)
    putU32(cells, used + size - CHILD_SIZE_BYTES, child)
    filling.used += size
    filling.count++
  }
}

function newFilling(): Filling {
  const cells = Buffer.alloc(format.PAGE_BODY_SIZE_BYTES)
  return { cells, view: viewOf(cells), used: 0, count: 0, lastAt: 0, separator: NO_KEY }
}

function empty(filling: Filling, separator: Buffer): void {
  filling.used = 0
  filling.count = 0
  filling.separator = separator
}

/** Whether an inner page being filled takes another cell. */
function hasRoom({ used, count }: Filling, cellSize: number): boolean {
  return used + cellSize + (count + 1) * SLOT_SIZE_BYTES <= format.PAGE_BODY_SIZE_BYTES
}

/** The shortest key that separates the last cell of a leaf from a new one behind it. Integers stay whole; see page-split.ts. */
function separatorKey(leaf: Filling, key: Uint8Array, start: number, end: number): Buffer {
  const { cells, lastAt } = leaf
  const lastStart = lastAt + INSERT_CELL_HEADER_SIZE_BYTES
  const lastLength = u16(cells, lastAt) & format.CELL_KEY_LENGTH_MASK
  let length = end - start
  if (length > 8) {
    let common = 0
    while (common < lastLength && cells[lastStart + common] === key[start + common]) common++
    assert(common < length, 'keys ascend')
    length = common + 1
  }
  return Buffer.from(key.subarray(start, start + length))
}
