// Holds what storage answers against the model: pages read through a writer, and pages read from one node at a time.

import { StorageError } from '../../storage/base/errors.ts'
import type { Lsn, PageNo } from '../../storage/base/ids.ts'
import { readU64 } from '../../storage/log/record.ts'
import { type TimelineModel, Violation } from './model.ts'
import type { World } from './world.ts'
import type { Writer } from './writer.ts'

const ZEROES = Buffer.alloc(8192)
/** Bytes of a fake page that are not always zero. */
const USED_BYTES = 16

export class Reads {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** Reads a page and compares it; a read below the floor may fail, one above must be right if it is answered. */
  async check(writer: Writer, timeline: TimelineModel, page: PageNo, lsn: Lsn): Promise<boolean> {
    const world = this.#world
    const isPromised = lsn >= timeline.readableFrom
    const unpin = isPromised ? timeline.pin(lsn) : undefined
    const expected = timeline.pageAt(page, lsn)
    const what = `timeline ${timeline.id}, page ${page} at ${lsn}`
    try {
      const image = await writer.view(timeline).handle.readPage(page, lsn)
      const difference = compare(image, expected)
      if (difference !== undefined) world.violate(`${what}: ${difference}`)
      world.coverage.count('read checked')
      return true
    } catch (error) {
      if (!(error instanceof StorageError)) world.violate(`${what}: ${String((error as Error).stack)}`)
      else if (error.kind !== 'out-of-window') return false
      else if (!isPromised) world.coverage.count('read below the floor refused')
      else if (timeline.fate === 'live') world.violate(`${what}: ${error.message}, above the floor`)
      return false
    } finally {
      unpin?.()
    }
  }
}

/** Throws a Violation unless a node's image is what the model says. */
export function mustEqual(image: Uint8Array, expected: Buffer, what: string): void {
  const difference = compare(image, expected)
  if (difference !== undefined) throw new Violation(`${what}: ${difference}`)
}

/** What differs, or undefined. Only the first bytes of a fake page are ever used. */
function compare(image: Uint8Array, expected: Buffer): string | undefined {
  const found = Buffer.from(image.buffer, image.byteOffset, image.byteLength)
  if (found.length !== expected.length) return `${found.length} bytes long`
  const isSame =
    found.compare(expected, 0, USED_BYTES, 0, USED_BYTES) === 0 &&
    found.compare(ZEROES, USED_BYTES, ZEROES.length, USED_BYTES) === 0
  return isSame ? undefined : `found ${describe(found)}, expected ${describe(expected)}`
}

function describe(page: Buffer): string {
  return `LSN ${readU64(page, 0)} after ${page.readUInt32LE(12)} records (hash ${page.readUInt32LE(8)})`
}
