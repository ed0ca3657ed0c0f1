// Coalescing: pages with long chains of records get an image, so that reading them stays cheap. Chains are measured per
// page; the length of the log does not matter. Images are made at or below the VDL only, so that no truncation ever
// reaches one.
//
//   a page's 512th record lately ─▶ Segment.long ─▶ its records are still in memory: an image of it, soon
//   checkpoint ─▶ tails with counts in the store ─▶ the longest chains: while busy from 512 on, when idle from 64 on
//
// While somebody waits for the node chains may grow longer (Aurora 2017, section 3.2: background work is the less, the more
// there is to do in the foreground).

import type { Lsn, PageNo } from '../base/ids.ts'
import { PAGE_CHAIN_LENGTH_BUSY_MAX, PAGE_CHAIN_LENGTH_MAX } from '../base/limits.ts'
import type { SegmentKey } from '../message/message.ts'
import { Refusal } from './refusal.ts'
import type { Segment } from './segment.ts'
import type { PageImage } from './segment-store.ts'
import type { StorageNode } from './storage-node.ts'

const IMAGES_PER_SLICE = 4

export class Coalescer {
  readonly #node: StorageNode
  /**
   * Long chains that could not be shortened: their records are above the VDL, or a peer has the rest. Forgotten at each
   * checkpoint.
   */
  readonly #stuck = new Set<string>()

  constructor(node: StorageNode) {
    this.#node = node
  }

  /** Makes a few images; false if there is nothing to do. */
  work(idle: boolean): boolean {
    const images: PageImage[] = []
    this.#renewRecent(images)
    if (images.length < IMAGES_PER_SLICE) this.#renewLongest(images, idle)
    if (images.length === 0) return false
    this.#node.store.putImages(images)
    for (const { timeline, group, page } of images) this.#segment({ timeline, group })?.renewed(page)
    return true
  }

  /** Pages that change all the time: the sooner the better. */
  #renewRecent(images: PageImage[]): void {
    for (const segment of this.#node.intake.long) {
      for (const page of segment.long ?? []) {
        if (images.length === IMAGES_PER_SLICE) return
        segment.long?.delete(page)
        this.#renew(segment, page, images)
      }
      segment.long = undefined
      this.#node.intake.long.delete(segment)
    }
  }

  #renewLongest(images: PageImage[], idle: boolean): void {
    const countMin = idle ? PAGE_CHAIN_LENGTH_MAX : PAGE_CHAIN_LENGTH_BUSY_MAX
    const longest = this.#node.store.longChains(countMin, IMAGES_PER_SLICE + this.#stuck.size)
    for (const { timeline, group, page } of longest) {
      if (images.length === IMAGES_PER_SLICE) return
      const segment = this.#segment({ timeline, group })
      const name = `${timeline}/${group}/${page}`
      if (segment === undefined || this.#stuck.has(name)) continue
      if (!this.#renew(segment, page, images)) this.#stuck.add(name)
    }
  }

  /** undefined where there is none, or one of log only. */
  #segment({ timeline, group }: SegmentKey): Segment | undefined {
    const { timelines, membership } = this.#node
    return membership.kindOf(group) === 'tail' ? undefined : timelines.get(timeline)?.peek(group)
  }

  /** False where there is nothing to make, or not enough here to make it of. */
  #renew(segment: Segment, page: PageNo, images: PageImage[]): boolean {
    const { timeline, group, vdl } = segment
    let image: { readonly lsn: Lsn; readonly bytes: Buffer } | undefined
    try {
      image = this.#node.reader.renew(segment, page, vdl)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
    }
    if (image === undefined) return false
    if (!images.some((made) => made.timeline === timeline && made.group === group && made.page === page))
      images.push({ timeline, group, page, ...image })
    return true
  }

  /** The VDL may have moved: what was stuck may not be any more. */
  retry(): void {
    this.#stuck.clear()
  }
}
