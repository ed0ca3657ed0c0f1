// The checksum of a page image at rest or on the way. In memory the field is zero: records change pages in place, and
// equal records must make equal bytes.

import { crc32 } from 'node:zlib'
import { putU32, u32 } from '../base/bytes.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import { OFFSET_CHECKSUM } from './format.ts'

/** CRC-32 of the page but for the checksum field. Never 0, which stands for "none". */
export function pageChecksum(page: Buffer, at: number): number {
  const head = crc32(page.subarray(at, at + OFFSET_CHECKSUM))
  const sum = crc32(page.subarray(at + OFFSET_CHECKSUM + 4, at + PAGE_SIZE_BYTES), head)
  return sum === 0 ? 1 : sum
}

/** Stores the checksum in the page. */
export function sealPage(page: Buffer, at: number): void {
  putU32(page, at + OFFSET_CHECKSUM, pageChecksum(page, at))
}

/** Takes the checksum off the page and returns whether it matched; a page without one (all zeroes, say) matches. */
export function unsealPage(page: Buffer, at: number): boolean {
  const stored = u32(page, at + OFFSET_CHECKSUM)
  if (stored === 0) return true
  const matches = stored === pageChecksum(page, at)
  putU32(page, at + OFFSET_CHECKSUM, 0)
  return matches
}
