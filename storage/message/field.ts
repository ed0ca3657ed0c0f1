// Fields of a message and their bytes: small parts from which codec.ts and greeting.ts put whole messages together.
// What a field writes has no name and no type in it; reader and writer follow the same description.
//
//   count    an integer from 0 to 2^53 - 1: seven bits a byte, lowest first, the top bit set on all but the last
//   flag     one byte, 0 or 1
//   real     eight bytes, IEEE 754, little-endian
//   text     count of bytes, then UTF-8
//   bytes    count of bytes; the bytes themselves lie in the frame's tail, in order
//   optional a flag, then the value if it is there
//   list     count, then the elements
//   choice   one byte: the code of the word
//   record   its fields in the order of the description
//   variants one byte for the kind, then the fields of that kind
//
// Reading judges the bytes of a peer, so it throws StorageError 'corrupt' and never asserts; what it returns has the
// type that it says, and nothing in it is larger than the frame it came in.

import { u8 } from '../base/bytes.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import { StorageError } from '../base/errors.ts'
import { assert } from '../base/assert.ts'

/** How one value is written and read. */
export interface Field<T> {
  write(to: FieldWriter, value: T): void
  read(from: FieldReader): T
}

/** What a field describes. */
export type FieldType<F> = F extends Field<infer T> ? T : never

export class FieldWriter {
  readonly head: ByteWriter = new ByteWriter(256)
  tail: Uint8Array[] = []

  reset(): void {
    this.head.reset()
    this.tail = []
  }

  count(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'a count is a non-negative safe integer')
    const { head } = this
    let rest = value
    // Shifts work on 32 bits only: larger numbers are divided down to there.
    while (rest > 0x7fff_ffff) {
      head.uint8((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    while (rest > 0x7f) {
      head.uint8((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    head.uint8(rest)
  }
}

export class FieldReader {
  readonly #head: Buffer
  readonly #tail: Buffer
  #at = 0
  #tailAt = 0

  constructor(head: Buffer, tail: Buffer) {
    this.#head = head
    this.#tail = tail
  }

  byte(): number {
    if (this.#at >= this.#head.length) throw malformed('it is cut off')
    return u8(this.#head, this.#at++)
  }

  count(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (!Number.isSafeInteger(value)) throw malformed('a number is too large')
      if (byte < 0x80) return value
      scale *= 0x80
    }
  }

  /** The next `count` bytes of the head. */
  take(count: number): Buffer {
    if (count > this.#head.length - this.#at) throw malformed('it is cut off')
    this.#at += count
    return this.#head.subarray(this.#at - count, this.#at)
  }

  /** The next `count` bytes of the tail. */
  takeTail(count: number): Buffer {
    if (count > this.#tail.length - this.#tailAt) throw malformed('its bytes are cut off')
    this.#tailAt += count
    return this.#tail.subarray(this.#tailAt - count, this.#tailAt)
  }

  /** Bytes of the head that are not read yet. */
  get left(): number {
    return this.#head.length - this.#at
  }

  /** A message ends where its frame ends. */
  finish(): void {
    if (this.left > 0 || this.#tailAt < this.#tail.length) throw malformed('it has bytes left over')
  }
}

export function malformed(why: string): StorageError {
  return new StorageError('corrupt', `a message of the storage protocol is malformed: ${why}`)
}

/** A number that the writer promised to be a count; T is its brand. */
export function count<T extends number = number>(): Field<T> {
  return {
    write: (to, value) => to.count(value),
    read: (from) => from.count() as T,
  }
}

export const flag: Field<boolean> = {
  write: (to, value) => to.head.uint8(value ? 1 : 0),
  read: (from) => readFlag(from),
}

function readFlag(from: FieldReader): boolean {
  const byte = from.byte()
  if (byte > 1) throw malformed('a flag is neither 0 nor 1')
  return byte === 1
}

export const real: Field<number> = {
  write(to, value) {
    const { head } = to
    head.reserve(8)
    head.bytes.writeDoubleLE(value, head.length)
    head.length += 8
  },
  read: (from) => from.take(8).readDoubleLE(0),
}

export const text: Field<string> = {
  write(to, value) {
    to.count(Buffer.byteLength(value))
    to.head.utf8(value)
  },
  read: (from) => from.take(from.count()).toString('utf8'),
}

export const bytes: Field<Uint8Array> = {
  write(to, value) {
    to.count(value.length)
    to.tail.push(value)
  },
  read: (from) => from.takeTail(from.count()),
}

/** A value that may be undefined. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    write(to, value) {
      to.head.uint8(value === undefined ? 0 : 1)
      if (value !== undefined) field.write(to, value)
    },
    read: (from) => (readFlag(from) ? field.read(from) : undefined),
  }
}

/** Elements take a byte each or more, so that a frame bounds how many there are. */
export function list<T>(field: Field<T>): Field<readonly T[]> {
  return {
    write(to, values) {
      to.count(values.length)
      for (const value of values) field.write(to, value)
    },
    read(from) {
      const length = from.count()
      if (length > from.left) throw malformed('a list is longer than the message')
      const values: T[] = []
      for (let index = 0; index < length; index++) values.push(field.read(from))
      return values
    },
  }
}

/** One of some words, each with its code. Codes are for ever. */
export function choice<Word extends string>(codes: Readonly<Record<Word, number>>): Field<Word> {
  const words = new Map(Object.entries<number>(codes).map(([word, code]) => [code, word as Word]))
  return {
    write: (to, value) => to.head.uint8(codes[value]),
    read(from) {
      const word = words.get(from.byte())
      if (word === undefined) throw malformed('an unknown word')
      return word
    },
  }
}

/** The fields of an object type, all of them. */
export type FieldsOf<T> = { readonly [K in keyof T]-?: Field<T[K]> }

/** An object of exactly these fields. */
export function record<T extends object>(fields: FieldsOf<T>): Field<T> {
  const parts = Object.entries(fields) as [keyof T & string, Field<unknown>][]
  return {
    write(to, value) {
      for (const [name, field] of parts) field.write(to, value[name])
    },
    read(from) {
      const value: Partial<Record<keyof T & string, unknown>> = {}
      for (const [name, field] of parts) value[name] = field.read(from)
      return value as T
    },
  }
}

interface Kinded {
  readonly kind: string
}

/** Per kind its code and the fields beside `kind`. Codes are for ever. */
export type VariantsOf<T extends Kinded> = {
  readonly [K in T['kind']]: readonly [code: number, Field<Omit<Extract<T, { kind: K }>, 'kind'>>]
}

/** A union of objects told apart by `kind`. */
export function variants<T extends Kinded>(kinds: VariantsOf<T>): Field<T> {
  type Variant = readonly [kind: string, code: number, field: Field<object>]
  const all = Object.entries<readonly [number, Field<object>]>(kinds)
  const variantList = all.map(([kind, [code, field]]): Variant => [kind, code, field])
  const byKind = new Map(variantList.map((variant) => [variant[0], variant]))
  const byCode = new Map(variantList.map((variant) => [variant[1], variant]))
  assert(byCode.size === variantList.length, 'codes of variants differ')
  return {
    write(to, value) {
      const variant = byKind.get(value.kind)
      assert(variant !== undefined, 'the kind is one of the variants')
      to.head.uint8(variant[1])
      variant[2].write(to, value)
    },
    read(from) {
      const variant = byCode.get(from.byte())
      if (variant === undefined) throw malformed('an unknown kind')
      return { kind: variant[0], ...variant[2].read(from) } as unknown as T
    },
  }
}
