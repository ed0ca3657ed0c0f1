// hashtext and its relatives, bit for bit as PostgreSQL has them: people lock and partition by them
// (pg_advisory_lock(hashtext('...'))). The function is Bob Jenkins's lookup3 (2006, public domain), read little-endian.

import type { Definitions } from './definition.ts'
import { trimBlanks } from './comparison.ts'
import { int8High, int8Low } from '../types/int8.ts'
import { type Int8, int8 } from '../types/value.ts'

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))

/** The three words of lookup3. */
class HashState {
  a: number
  b: number
  c: number

  constructor(length: number) {
    this.a = this.b = this.c = (0x9e3779b9 + length + 3923095) | 0
  }

  mix(): void {
    let { a, b, c } = this
    a = (a - c) ^ rotate(c, 4)
    c = (c + b) | 0
    b = (b - a) ^ rotate(a, 6)
    a = (a + c) | 0
    c = (c - b) ^ rotate(b, 8)
    b = (b + a) | 0
    a = (a - c) ^ rotate(c, 16)
    c = (c + b) | 0
    b = (b - a) ^ rotate(a, 19)
    a = (a + c) | 0
    c = (c - b) ^ rotate(b, 4)
    b = (b + a) | 0
    this.a = a
    this.b = b
    this.c = c
  }

  finish(): void {
    let { a, b, c } = this
    c = ((c ^ b) - rotate(b, 14)) | 0
    a = ((a ^ c) - rotate(c, 11)) | 0
    b = ((b ^ a) - rotate(a, 25)) | 0
    c = ((c ^ b) - rotate(b, 16)) | 0
    a = ((a ^ c) - rotate(c, 4)) | 0
    b = ((b ^ a) - rotate(a, 14)) | 0
    c = ((c ^ b) - rotate(b, 24)) | 0
    this.a = a
    this.b = b
    this.c = c
  }

  /** All bytes, twelve at a time. The last word's lowest byte is left out: it stands for the length. */
  take(bytes: Buffer): void {
    let at = 0
    for (; bytes.length - at >= 12; at += 12) {
      this.a = (this.a + bytes.readInt32LE(at)) | 0
      this.b = (this.b + bytes.readInt32LE(at + 4)) | 0
      this.c = (this.c + bytes.readInt32LE(at + 8)) | 0
      this.mix()
    }
    for (let i = 0; at + i < bytes.length; i++) {
      const byte = bytes[at + i] ?? 0
      if (i < 4) this.a = (this.a + (byte << (i * 8))) | 0
      else if (i < 8) this.b = (this.b + (byte << ((i - 4) * 8))) | 0
      else this.c = (this.c + (byte << ((i - 7) * 8))) | 0
    }
    this.finish()
  }
}

function hashBytes(bytes: Buffer): number {
  const state = new HashState(bytes.length)
  state.take(bytes)
  return state.c
}

/** 64 bits, and a seed that gives a function of its own. */
function hashBytesExtended(bytes: Buffer, seed: Int8): Int8 {
  const state = new HashState(bytes.length)
  if (seed !== 0) {
    state.a = (state.a + int8High(seed)) | 0
    state.b = (state.b + int8Low(seed)) | 0
    state.mix()
  }
  state.take(bytes)
  return int8(BigInt.asIntN(64, (BigInt(state.b) << 32n) | BigInt(state.c >>> 0)))
}

function hashWord(word: number): number {
  const state = new HashState(4)
  state.a = (state.a + word) | 0
  state.finish()
  return state.c
}

/** Equal to hashint4 for values that fit it. */
function hashInt8(value: Int8): number {
  const high = int8High(value)
  return hashWord(int8Low(value) ^ (high >= 0 ? high : ~high))
}

const hashText = (text: string): number => hashBytes(Buffer.from(text))

export const hashFunctions: Definitions = {
  'hashtext(text)': { call: hashText },
  'hashname(name)': { call: hashText },
  'hashbpchar(bpchar)': { call: (text: string) => hashText(trimBlanks(text)) },
  'hashtextextended(text,int8)': {
    call: (text: string, seed: Int8) => hashBytesExtended(Buffer.from(text), seed),
  },
  'hashint2(int2)': { call: hashWord },
  'hashint4(int4)': { call: hashWord },
  'hashint8(int8)': { call: hashInt8 },
  'hashoid(oid)': { call: hashWord },
}
