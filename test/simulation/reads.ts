// Holds what storage answers against the model: pages read through a writer, and pages read from one node at a time.

import { StorageError } from '../../storage/base/errors.ts'
import type { Lsn, PageNo } from '../../storage/base/ids.ts'
import { readU64 } from '../../storage/log/record.ts'
import { type TimelineModel, Violation } from './model.ts'
import type { World } from './world.ts'
import type { Writer } from './writer.ts'

const ZEROES = Buffer.alloc(8192)
/** After everything. */
const END_MICROS = 2 ** 50
/** Bytes of a fake page that are not always zero. */
const USED_BYTES = 16

export class Reads {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /**
   * Reads a page and compares it; a read below the floor may fail, one above must be right if it is answered. Resolves with
   * why it was not.
   */
  async check(
    writer: Writer,
    timeline: TimelineModel,
    page: PageNo,
    lsn: Lsn,
  ): Promise<StorageError | undefined> {
    const world = this.#world
    const isPromised = lsn >= timeline.readableFrom
    const unpin = isPromised ? timeline.pin(lsn, writer) : undefined
    const expected = timeline.pageAt(page, lsn)
    const what = `timeline ${timeline.id}, page ${page} at ${lsn}`
    try {
      const image = await writer.volume.log(timeline.id).readPage(page, lsn)
      const difference = differenceOf(image, expected)
      if (difference !== undefined) world.violate(`${what}: ${difference}`)
      world.coverage.count('read checked')
      return undefined
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      if (error.kind !== 'out-of-window') return error
      if (!isPromised) world.coverage.count('read below the floor refused')
      else if (timeline.fate === 'live' && lsn >= timeline.readableFrom)
        world.violate(`${what}: ${error.message}, above the floor`)
      return error
    } finally {
      unpin?.()
    }
  }

  /** Reads all there is once nothing is in the way; returns what could not be read, undefined if all could. */
  async checkAll(writer: Writer): Promise<string | undefined> {
    const { model, plan } = this.#world
    for (const timeline of model.live()) {
      for (let page = 0; page < plan.pageCount; page++) {
        const error = await this.check(writer, timeline, page as PageNo, timeline.vdl)
        if (error !== undefined) return `timeline ${timeline.id}, page ${page}: ${error.message}`
      }
      // Collected or not, what lies below the floor must not be answered wrongly.
      const early = timeline.pointAtOrBelow(timeline.readableFrom - 1)
      if (early > timeline.base) await this.check(writer, timeline, 0 as PageNo, early)
      const unanswered = await this.#checkTimes(writer, timeline)
      if (unanswered !== undefined) return unanswered
    }
    return undefined
  }

  /** Which commit was the newest at a time, and when an LSN was. Answers are promised from the floor on. */
  async #checkTimes({ volume }: Writer, timeline: TimelineModel): Promise<string | undefined> {
    const { id, vdl, readableFrom } = timeline
    const commit = this.#world.chance.pick([...timeline.commits, { lsn: vdl, wallMicros: END_MICROS }])
    if (commit.lsn < readableFrom) return undefined
    try {
      const wallMicros = await volume.timeAtLsn(id, commit.lsn)
      const expected = timeline.timeAt(commit.lsn)
      if (wallMicros !== expected)
        this.#world.violate(`timeline ${id}: ${commit.lsn} was at ${wallMicros}, expected ${expected}`)
      const found = await volume.commitAt(id, commit.wallMicros)
      const newest = timeline.commitAtTime(commit.wallMicros, vdl)
      if ((found?.lsn ?? 0) !== newest && newest >= readableFrom)
        this.#world.violate(
          `timeline ${id}: at ${commit.wallMicros} it was ${found?.lsn}, expected ${newest}`,
        )
      this.#world.coverage.count('time checked')
      return undefined
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      // The commit that is asked for may be older than what is promised.
      const isPromised =
        timeline.timeAt(commit.lsn) > 0 &&
        timeline.commits.some(({ lsn }) => lsn >= readableFrom && lsn <= commit.lsn)
      if (error.kind === 'out-of-window' && !isPromised) return undefined
      return `times of timeline ${id} could not be told: ${error.message}`
    }
  }
}

/** Throws a Violation unless a node's image is what the model says. */
export function mustEqual(image: Uint8Array, expected: Buffer, what: string): void {
  const difference = differenceOf(image, expected)
  if (difference !== undefined) throw new Violation(`${what}: ${difference}`)
}

/** What differs, or undefined. Only the first bytes of a fake page are ever used. */
export function differenceOf(image: Uint8Array, expected: Buffer): string | undefined {
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
