// The write set of a transaction: every put and delete it staged, off the JavaScript heap, append-only.
//
//   entry   0  u32 previous   index + 1 of the previous version of the same key (0: none)
//           4  u32 other      in the first version of a key: index of the newest; in later ones: index of the first
//           8  u32 hash       of tree and key, once the tree is hashed
//          12  u32 commandId
//          16  u32 tree
//          20  u32 valueLength
//          24  u16 keyLength
//          26  u8  operation  1 = put, 2 = delete
//          27  u8  0
//          28      key, value; entries begin at multiples of 8
//
// `places` maps the index of an entry to its place in the chunks. Per tree, the first versions are kept in key order: for
// free while keys arrive in order, else computed when somebody asks. Orders are never changed in place but at their end,
// so that a cursor can go on with the one it began with.
//
// To find a key: while a tree's keys arrived in order, by halves in its order, which for the next key in order is one
// comparison. From the first key out of order on, through `table`, which maps hashes to first versions (open
// addressing): a load in key order never hashes. A savepoint is a number of entries: rollback takes entries off newest
// first.

import { assert } from '../base/assert.ts'
import type { ByteWriter } from '../base/byte-writer.ts'
import { compareRanges, copyBytes, copyWords, putU16, putU32, u16, u32 } from '../base/bytes.ts'
import type { TreeId } from '../base/ids.ts'
import { sortOrder } from './write-order.ts'

export const OPERATION_PUT = 1
export const OPERATION_DELETE = 2

const HEADER_SIZE_BYTES = 28
const CHUNK_SHIFT = 17
const CHUNK_MASK = (1 << CHUNK_SHIFT) - 1
const CHUNK_SIZE_BYTES = 1 << 20
const FIRST_CHUNK_SIZE_BYTES = 1 << 14
/** So many chunks are made to be used again and again; what a set needs beyond that is left to the collector. */
const SHARED_CHUNKS_MAX = 64
let sharedChunks = 0
const spareChunks: Buffer[] = []
/** Numbers that the arrays of a set hold which is used again. */
const REUSED_LENGTH_MAX = 1024
const TABLE_SIZE_MIN = 64
const ORDER_SIZE_MIN = 4
/** Longer ones are copied by the runtime. */
const WORDS_SIZE_BYTES_MAX = 1024
const NOT_THERE = -1
const BEHIND_LAST = -2

/** One tree's first versions. */
export interface TreeWrites {
  readonly tree: TreeId
  /** Indexes of first versions; the first `sorted` are in key order. */
  order: Uint32Array
  count: number
  sorted: number
  /** Lowest command that wrote to this tree. */
  firstCommand: number
  /** Its keys are found through the hash table. */
  hashed: boolean
}

export class WriteSet {
  entryCount = 0
  /** Bytes of the keys and values staged, overwritten ones included. */
  byteCount = 0
  readonly trees: TreeWrites[] = []
  private readonly chunks: Buffer[] = [Buffer.allocUnsafeSlow(FIRST_CHUNK_SIZE_BYTES)]
  private readonly views: DataView[] = []
  private chunk = 0
  private used = 0
  private places: Uint32Array = new Uint32Array(TABLE_SIZE_MIN)
  private table: Uint32Array = new Uint32Array(TABLE_SIZE_MIN)
  private tableUsed = 0

  put(tree: TreeId, operation: number, key: Uint8Array, value: Uint8Array, commandId: number): void {
    const writes = this.writesOf(tree) ?? this.addTree(tree, commandId)
    const first = this.find(writes, key, 0, key.length)
    const index = this.append(tree, operation, key.length, value.length, commandId)
    const keyAt = this.locate(index) + HEADER_SIZE_BYTES
    copyBytes(key, 0, key.length, this.bytes, keyAt)
    copyBytes(value, 0, value.length, this.bytes, keyAt + key.length)
    this.link(writes, first, index, commandId)
  }

  /** The same for a key in [start, middle) and its value in [middle, end). */
  putPair(
    tree: TreeId,
    { bytes, view }: ByteWriter,
    start: number,
    middle: number,
    end: number,
    commandId: number,
  ): void {
    const writes = this.writesOf(tree) ?? this.addTree(tree, commandId)
    const first = this.find(writes, bytes, start, middle)
    const index = this.append(tree, OPERATION_PUT, middle - start, end - middle, commandId)
    const keyAt = this.locate(index) + HEADER_SIZE_BYTES
    if (end - start > WORDS_SIZE_BYTES_MAX) bytes.copy(this.bytes, keyAt, start, end)
    else copyWords(view, start, end, this.view, keyAt)
    this.link(writes, first, index, commandId)
  }

  /** Puts an entry behind the other versions of its key, or among the first versions of its tree. */
  private link(writes: TreeWrites, first: number, index: number, commandId: number): void {
    if (commandId < writes.firstCommand) writes.firstCommand = commandId
    const place = this.locate(index)
    const { bytes } = this
    if (first >= 0) {
      const firstAt = this.locate(first)
      putU32(bytes, place + 4, first)
      putU32(bytes, place, u32(this.bytes, firstAt + 4) + 1)
      putU32(this.bytes, firstAt + 4, index)
      return
    }
    putU32(bytes, place, 0)
    putU32(bytes, place + 4, index)
    this.addFirst(writes, index, first === BEHIND_LAST)
  }

  /** The chunk that `bytes` and `view` are of. */
  private located = 0
  /** After `locate` or `newest`: the chunk in which the entry lies, as bytes and as a view. */
  bytes: Buffer = this.chunks[0] as Buffer
  view: DataView = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length)

  /** Finds an entry; sets `bytes` and `view`. */
  locate(index: number): number {
    const place = this.places[index] as number
    const chunk = place >>> CHUNK_SHIFT
    if (chunk !== this.located) {
      this.located = chunk
      this.bytes = this.chunks[chunk] as Buffer
      this.view = this.views[chunk] as DataView
    }
    return (place & CHUNK_MASK) << 3
  }

  /** The place (see locate) of the newest version below `commandId` of the key whose first version is `first`, or -1. */
  newestOf(first: number, commandId: number): number {
    if (first >= this.entryCount) return -1
    let place = this.locate(first)
    if (u32(this.bytes, place + 12) >= commandId) return -1
    let index = u32(this.bytes, place + 4)
    for (;;) {
      place = this.locate(index)
      if (u32(this.bytes, place + 12) < commandId) return place
      index = u32(this.bytes, place) - 1
    }
  }

  /** The place of the newest version below `commandId` of a key, or -1. */
  newest(tree: TreeId, key: Uint8Array, commandId: number): number {
    const writes = this.writesOf(tree)
    const first = writes === undefined ? -1 : this.find(writes, key, 0, key.length)
    return first < 0 ? -1 : this.newestOf(first, commandId)
  }

  operation(place: number): number {
    return this.bytes[place + 26] as number
  }

  keyStart(place: number): number {
    return place + HEADER_SIZE_BYTES
  }

  keyEnd(place: number): number {
    return place + HEADER_SIZE_BYTES + u16(this.bytes, place + 24)
  }

  valueEnd(place: number): number {
    return this.keyEnd(place) + u32(this.bytes, place + 20)
  }

  writesOf(tree: TreeId): TreeWrites | undefined {
    const trees = this.trees
    for (let i = 0; i < trees.length; i++) {
      const writes = trees[i] as TreeWrites
      if (writes.tree === tree) return writes
    }
    return undefined
  }

  /** Brings a tree's first versions into key order. */
  sort(writes: TreeWrites): void {
    if (writes.sorted === writes.count) return
    writes.order = sortOrder(writes.order, writes.sorted, writes.count, (a, b) => this.compare(a, b))
    writes.sorted = writes.count
  }

  /** Takes entries off until `entryCount` are left. */
  rollbackTo(entryCount: number): void {
    assert(entryCount <= this.entryCount, 'a savepoint lies behind us')
    if (entryCount === this.entryCount) return
    for (let index = this.entryCount - 1; index >= entryCount; index--) this.undo(index)
    const place = this.places[entryCount] as number
    this.chunk = place >>> CHUNK_SHIFT
    this.used = (place & CHUNK_MASK) << 3
    this.giveChunksBack()
    this.entryCount = entryCount
    for (let i = this.trees.length - 1; i >= 0; i--) {
      const writes = this.trees[i] as TreeWrites
      const kept = writes.order.subarray(0, writes.count).filter((index) => index < entryCount)
      if (kept.length === 0) this.trees.splice(i, 1)
      else if (kept.length < writes.count) {
        writes.sorted = countBelow(writes.order, writes.sorted, entryCount)
        writes.order = kept
        writes.count = kept.length
      }
    }
  }

  /** Empties the set for another transaction. False if it grew so large that it should rather be dropped. */
  reset(): boolean {
    this.chunk = 0
    this.giveChunksBack()
    if (this.table.length > REUSED_LENGTH_MAX || this.places.length > REUSED_LENGTH_MAX) return false
    if (this.tableUsed > 0) this.table.fill(0)
    this.tableUsed = 0
    this.entryCount = 0
    this.byteCount = 0
    this.used = 0
    if (this.trees.length > 0) this.trees.length = 0
    return true
  }

  constructor() {
    this.views.push(this.view)
  }

  /** Room for an entry at the end, its key and value still to be copied in and its versions to be linked. */
  private append(
    tree: TreeId,
    operation: number,
    keyLength: number,
    valueLength: number,
    commandId: number,
  ): number {
    const size = (HEADER_SIZE_BYTES + keyLength + valueLength + 7) & ~7
    if (this.used + size > (this.chunks[this.chunk] as Buffer).length) this.addChunk(size)
    const index = this.entryCount
    if (index === this.places.length) this.places = grown(this.places)
    this.places[index] = this.chunk * (1 << CHUNK_SHIFT) + (this.used >>> 3)
    const place = this.locate(index)
    const bytes = this.bytes
    putU32(bytes, place + 12, commandId)
    putU32(bytes, place + 16, tree)
    putU32(bytes, place + 20, valueLength)
    putU16(bytes, place + 24, keyLength)
    bytes[place + 26] = operation
    bytes[place + 27] = 0
    this.used += size
    this.entryCount = index + 1
    this.byteCount += keyLength + valueLength
    return index
  }

  /** The chunks behind the one in use go to whoever needs some next. */
  private giveChunksBack(): void {
    const kept = this.chunk + 1
    if (this.chunks.length === kept) return
    for (const chunk of this.chunks.splice(kept))
      if (chunk.buffer instanceof SharedArrayBuffer) spareChunks.push(chunk)
    this.views.length = kept
    this.located = -1
  }

  /** A chunk for at least `size` bytes; an entry larger than a chunk has one of its own. */
  private addChunk(size: number): void {
    const chunk = size > CHUNK_SIZE_BYTES ? Buffer.allocUnsafeSlow(size) : newChunk()
    this.chunks.push(chunk)
    this.views.push(new DataView(chunk.buffer, chunk.byteOffset, chunk.length))
    this.chunk++
    assert(this.chunk < 1 << (32 - CHUNK_SHIFT), 'write set below 32 GiB')
    // Offsets above the regular size cannot be addressed: nothing may follow an entry with a chunk of its own.
    this.used = 0
  }

  private addTree(tree: TreeId, commandId: number): TreeWrites {
    const order = new Uint32Array(ORDER_SIZE_MIN)
    const writes = { tree, order, count: 0, sorted: 0, firstCommand: commandId, hashed: false }
    this.trees.push(writes)
    return writes
  }

  /** Adds a first version; `behindLast`: its key is the highest of the tree, whose keys are all in order. */
  private addFirst(writes: TreeWrites, index: number, behindLast: boolean): void {
    if (writes.count === writes.order.length) writes.order = grown(writes.order)
    writes.order[writes.count] = index
    writes.count++
    if (behindLast) writes.sorted = writes.count
    else if (writes.hashed) this.insertHashed(writes.tree, index)
    else {
      writes.hashed = true
      for (let i = 0; i < writes.count; i++) this.insertHashed(writes.tree, writes.order[i] as number)
    }
  }

  /** The first version of a key, or NOT_THERE, or BEHIND_LAST if the key may be added in order. */
  private find(writes: TreeWrites, key: Uint8Array, start: number, end: number): number {
    if (writes.hashed) return this.findHashed(writes.tree, key, start, end)
    const { order, count } = writes
    if (count === 0 || this.compareKey(order[count - 1] as number, key, start, end) < 0) return BEHIND_LAST
    let low = 0
    let high = count
    while (low < high) {
      const middle = (low + high) >>> 1
      const difference = this.compareKey(order[middle] as number, key, start, end)
      if (difference === 0) return order[middle] as number
      if (difference < 0) low = middle + 1
      else high = middle
    }
    return NOT_THERE
  }

  private compareKey(index: number, key: Uint8Array, start: number, end: number): number {
    const own = this.locate(index) + HEADER_SIZE_BYTES
    const ownEnd = own + u16(this.bytes, own - HEADER_SIZE_BYTES + 24)
    return compareRanges(this.bytes, own, ownEnd, key, start, end)
  }

  /** Order of the keys of two entries. */
  private compare(a: number, b: number): number {
    const aAt = this.locate(a)
    const aBytes = this.bytes
    const aStart = aAt + HEADER_SIZE_BYTES
    const bAt = this.locate(b)
    const bStart = bAt + HEADER_SIZE_BYTES
    const aEnd = aStart + u16(aBytes, aAt + 24)
    return compareRanges(aBytes, aStart, aEnd, this.bytes, bStart, bStart + u16(this.bytes, bAt + 24))
  }

  private undo(index: number): void {
    const place = this.locate(index)
    const bytes = this.bytes
    const previous = u32(bytes, place)
    this.byteCount -= u16(bytes, place + 24) + u32(bytes, place + 20)
    if (previous === 0) {
      if (this.writesOf(u32(bytes, place + 16) as TreeId)?.hashed === true)
        this.removeHashed(index, u32(bytes, place + 8))
    } else putU32(this.bytesAt(u32(bytes, place + 4)), this.placeOfBytes + 4, previous - 1)
  }

  private placeOfBytes = 0
  private bytesAt(index: number): Buffer {
    this.placeOfBytes = this.locate(index)
    return this.bytes
  }

  private findHashed(tree: TreeId, key: Uint8Array, start: number, end: number): number {
    const hash = hashKey(tree, key, start, end)
    const table = this.table
    const mask = table.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const index = (table[at] as number) - 1
      if (index < 0) return NOT_THERE
      const place = this.locate(index)
      const { bytes } = this
      if (u32(bytes, place + 8) !== hash || u32(bytes, place + 16) !== tree) continue
      const keyStart = place + HEADER_SIZE_BYTES
      if (compareRanges(bytes, keyStart, keyStart + u16(bytes, place + 24), key, start, end) === 0)
        return index
    }
  }

  private insertHashed(tree: TreeId, index: number): void {
    if ((this.tableUsed + 1) * 4 > this.table.length * 3) this.growTable()
    const place = this.locate(index)
    const hash = hashKey(tree, this.bytes, this.keyStart(place), this.keyEnd(place))
    putU32(this.bytes, place + 8, hash)
    const mask = this.table.length - 1
    let at = hash & mask
    while (this.table[at] !== 0) at = (at + 1) & mask
    this.table[at] = index + 1
    this.tableUsed++
  }

  private growTable(): void {
    const old = this.table
    this.table = new Uint32Array(old.length * 2)
    const mask = this.table.length - 1
    for (const entry of old) {
      if (entry === 0) continue
      let at = u32(this.bytesAt(entry - 1), this.placeOfBytes + 8) & mask
      while (this.table[at] !== 0) at = (at + 1) & mask
      this.table[at] = entry
    }
  }

  private removeHashed(index: number, hash: number): void {
    const table = this.table
    const mask = table.length - 1
    let at = hash & mask
    while (table[at] !== index + 1) at = (at + 1) & mask
    this.tableUsed--
    for (let next = (at + 1) & mask; table[next] !== 0; next = (next + 1) & mask) {
      const wants = u32(this.bytesAt((table[next] as number) - 1), this.placeOfBytes + 8) & mask
      if (((next - wants) & mask) < ((next - at) & mask)) continue
      table[at] = table[next] as number
      at = next
    }
    table[at] = 0
  }
}

/**
 * A chunk for a set. One that will be used again is shared memory, which V8 does not count: for every few dozen megabytes
 * of other buffers it marks its whole heap.
 */
function newChunk(): Buffer {
  const spare = spareChunks.pop()
  if (spare !== undefined) return spare
  if (sharedChunks >= SHARED_CHUNKS_MAX) return Buffer.allocUnsafeSlow(CHUNK_SIZE_BYTES)
  sharedChunks++
  return Buffer.from(new SharedArrayBuffer(CHUNK_SIZE_BYTES))
}

/** FNV-1a over tree and key, finished with a mix. */
export function hashKey(tree: TreeId, key: Uint8Array, start: number, end: number): number {
  let hash = (tree ^ 0x811c9dc5) | 0
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (key[at] as number), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}

function grown(array: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2)
  larger.set(array)
  return larger
}

function countBelow(order: Uint32Array, end: number, limit: number): number {
  let count = 0
  for (let i = 0; i < end; i++) if ((order[i] as number) < limit) count++
  return count
}
