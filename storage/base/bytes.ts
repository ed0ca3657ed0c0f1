// Little-endian integers at a position of a Uint8Array, and memcmp. Plain index reads compile to a load and a bounds
// check, where Buffer's own methods also check their arguments; the hot paths of pages and write sets need the difference.

const TWO_32 = 0x1_0000_0000

export function u8(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}

export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
}

export function u32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  )
}

/** An unsigned 64-bit integer whose writer promised a safe integer. */
export function u64(bytes: Uint8Array, at: number): number {
  return u32(bytes, at + 4) * TWO_32 + u32(bytes, at)
}

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

export function putU64(bytes: Uint8Array, at: number, value: number): void {
  putU32(bytes, at, value % TWO_32)
  putU32(bytes, at + 4, Math.floor(value / TWO_32))
}

/** memcmp of a[aStart, aEnd) and b[bStart, bEnd); a proper prefix is smaller. Negative, zero or positive. */
export function compareRanges(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const aLength = aEnd - aStart
  const bLength = bEnd - bStart
  const length = aLength < bLength ? aLength : bLength
  for (let i = 0; i < length; i++) {
    const difference = (a[aStart + i] as number) - (b[bStart + i] as number)
    if (difference !== 0) return difference
  }
  return aLength - bLength
}

/**
 * Copies from[start, end) to `to` at `at`; the ranges do not overlap. Short copies go byte by byte: that is cheaper than
 * the call into the runtime, which makes an object for the range.
 */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  const length = end - start
  if (length < 160) {
    for (let i = 0; i < length; i++) to[at + i] = from[start + i] as number
  } else if (Buffer.isBuffer(from)) {
    from.copy(to, at, start, end)
  } else {
    to.set(from.subarray(start, end), at)
  }
}

/**
 * Copies from[start, end) to `to` at `at`, sixteen bytes a step; the ranges do not overlap. For ranges of a few dozen to a
 * few hundred bytes this takes a fifth of the time of copyBytes, for whoever has views at hand.
 */
export function copyWords(from: DataView, start: number, end: number, to: DataView, at: number): void {
  let source = start
  let target = at
  for (; source + 16 <= end; source += 16, target += 16) {
    to.setInt32(target, from.getInt32(source, true), true)
    to.setInt32(target + 4, from.getInt32(source + 4, true), true)
    to.setInt32(target + 8, from.getInt32(source + 8, true), true)
    to.setInt32(target + 12, from.getInt32(source + 12, true), true)
  }
  for (; source + 4 <= end; source += 4, target += 4) to.setInt32(target, from.getInt32(source, true), true)
  for (; source < end; source++, target++) to.setUint8(target, from.getUint8(source))
}

/** A view of the same bytes, at the same positions. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
