// Index entries on their way into a tree: keys and values one after another in one growing buffer, so that a million of
// them are a few objects; sorted is an array of their numbers. Ties of the first six bytes, which are compared as
// numbers, are settled by memcmp.
//
//   bytes   │key│value│key│value│ ...        an entry ends where the next begins
//   places   ▲   ▲     ▲   ▲                 two numbers an entry; bit 31 of the second: its key is unique

import { ByteWriter } from '../../storage/base/byte-writer.ts'
import { compareRanges } from '../../storage/base/bytes.ts'

const PLACE_MASK = 0x7fff_ffff
const UNIQUE = 0x8000_0000

export class EntryList {
  /** Each key so far is above the one before it: the entries are in order, and no two keys are the same. */
  isAscending = true
  readonly #bytes = new ByteWriter(1 << 20)
  #count = 0
  #places = new Uint32Array(4096)

  get length(): number {
    return this.#count
  }

  /** What keys and values are written into: begin, the key, beginValue, the value, end. */
  get writer(): ByteWriter {
    return this.#bytes
  }

  begin(): void {
    if (this.#count * 2 === this.#places.length) {
      const grown = new Uint32Array(this.#places.length * 2)
      grown.set(this.#places)
      this.#places = grown
    }
    this.#places[this.#count * 2] = this.#bytes.length
  }

  beginValue(): void {
    this.#places[this.#count * 2 + 1] = this.#bytes.length
  }

  /** `isUnique`: no other entry may have this key. */
  end(isUnique: boolean): void {
    const entry = this.#count++
    if (this.isAscending && entry > 0) this.isAscending = this.compare(entry - 1, entry) < 0
    if (!isUnique) return
    const place = entry * 2 + 1
    this.#places[place] = ((this.#places[place] as number) | UNIQUE) >>> 0
  }

  /** Bytes of the key of the entry that was begun last. */
  get keySizeBytes(): number {
    return this.#bytes.length - (this.#places[this.#count * 2] as number)
  }

  /** Where the entry's key begins in `writer`. */
  keyStart(entry: number): number {
    return this.#places[entry * 2] as number
  }

  /** Where its key ends and its value begins. */
  valueStart(entry: number): number {
    return (this.#places[entry * 2 + 1] as number) & PLACE_MASK
  }

  valueEnd(entry: number): number {
    return entry + 1 === this.#count ? this.#bytes.length : this.keyStart(entry + 1)
  }

  isUnique(entry: number): boolean {
    return (this.#places[entry * 2 + 1] as number) >= UNIQUE
  }

  /** memcmp of two keys. */
  compare(a: number, b: number): number {
    const { bytes } = this.#bytes
    const [aStart, aEnd] = [this.keyStart(a), this.valueStart(a)]
    return compareRanges(bytes, aStart, aEnd, bytes, this.keyStart(b), this.valueStart(b))
  }

  /** Numbers of the entries in key order. */
  sorted(): Uint32Array {
    const count = this.#count
    const order = new Uint32Array(count)
    for (let entry = 0; entry < count; entry++) order[entry] = entry
    if (this.isAscending) return order
    const heads = new Float64Array(count)
    for (let entry = 0; entry < count; entry++) heads[entry] = this.#head(entry)
    return order.sort((a, b) => (heads[a] as number) - (heads[b] as number) || this.compare(a, b))
  }

  /** The key's first six bytes as a number, zeroes behind a shorter one: a prefix of memcmp's order. */
  #head(entry: number): number {
    const { bytes } = this.#bytes
    const start = this.keyStart(entry)
    const size = this.valueStart(entry) - start
    if (size >= 6) return bytes.readUIntBE(start, 6)
    let head = 0
    for (let i = 0; i < 6; i++) head = head * 256 + (i < size ? (bytes[start + i] as number) : 0)
    return head
  }
}
