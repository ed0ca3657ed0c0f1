// Index entries on their way into a tree: keys and values one after another in one growing buffer, so that a million of
// them are a few objects; sorted is an array of their numbers. Ties of the first six bytes, which are compared as
// numbers, are settled by memcmp.

import { ByteWriter } from '../../storage/base/byte-writer.ts'

const EMPTY = new Uint8Array(0)

export class EntryList {
  readonly #bytes = new ByteWriter(1 << 20)
  #count = 0
  /** Four numbers an entry: key start, value start, end, 1 when unique. */
  #places = new Float64Array(4096)

  get length(): number {
    return this.#count
  }

  /** What keys and values are written into: begin, the key, beginValue, the value, end. */
  get writer(): ByteWriter {
    return this.#bytes
  }

  begin(): void {
    if (this.#count * 4 === this.#places.length) {
      const grown = new Float64Array(this.#places.length * 2)
      grown.set(this.#places)
      this.#places = grown
    }
    this.#places[this.#count * 4] = this.#bytes.length
  }

  beginValue(): void {
    this.#places[this.#count * 4 + 1] = this.#bytes.length
  }

  /** `isUnique`: no other entry may have this key. */
  end(isUnique: boolean): void {
    const place = this.#count * 4
    this.#places[place + 2] = this.#bytes.length
    this.#places[place + 3] = isUnique ? 1 : 0
    this.#count++
  }

  /** Bytes of the key of the entry that was begun last. */
  get keySizeBytes(): number {
    return this.#bytes.length - (this.#places[this.#count * 4] as number)
  }

  key(entry: number): Uint8Array {
    return this.#slice(this.#places[entry * 4] as number, this.#places[entry * 4 + 1] as number)
  }

  value(entry: number): Uint8Array {
    return this.#slice(this.#places[entry * 4 + 1] as number, this.#places[entry * 4 + 2] as number)
  }

  /** A plain view: cheaper to make than a Buffer. */
  #slice(start: number, end: number): Uint8Array {
    if (start === end) return EMPTY
    const { bytes } = this.#bytes
    return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)
  }

  isUnique(entry: number): boolean {
    return this.#places[entry * 4 + 3] === 1
  }

  compare(a: number, b: number): number {
    const places = this.#places
    const { bytes } = this.#bytes
    return bytes.compare(bytes, places[b * 4], places[b * 4 + 1], places[a * 4], places[a * 4 + 1])
  }

  /** Numbers of the entries in key order. */
  sorted(): Uint32Array {
    const count = this.#count
    const heads = new Float64Array(count)
    const order = new Uint32Array(count)
    let isSorted = true
    for (let entry = 0; entry < count; entry++) {
      order[entry] = entry
      heads[entry] = this.#head(entry)
      if (isSorted && entry > 0) {
        const before = heads[entry - 1] as number
        const now = heads[entry] as number
        isSorted = before < now || (before === now && this.compare(entry - 1, entry) <= 0)
      }
    }
    if (isSorted) return order
    return order.sort((a, b) => (heads[a] as number) - (heads[b] as number) || this.compare(a, b))
  }

  /** The key's first six bytes as a number, zeroes behind a shorter one: a prefix of memcmp's order. */
  #head(entry: number): number {
    const { bytes } = this.#bytes
    const start = this.#places[entry * 4] as number
    const size = (this.#places[entry * 4 + 1] as number) - start
    if (size >= 6) return bytes.readUIntBE(start, 6)
    let head = 0
    for (let i = 0; i < 6; i++) head = head * 256 + (i < size ? (bytes[start + i] as number) : 0)
    return head
  }
}
