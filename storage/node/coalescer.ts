// Coalescing: pages with long chains of records get an image, so that reading them stays cheap. Chains are measured per
// page; the length of the log does not matter. Images are made at or below the VDL only, so that no truncation ever
// reaches one.

import type { Lsn, PageNo } from '../base/ids.ts'
import { PAGE_CHAIN_LENGTH_MAX } from '../base/limits.ts'
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
  work(): boolean {
    const { timelines, store, membership } = this.#node
    const images: PageImage[] = []
    const longest = store.longChains(PAGE_CHAIN_LENGTH_MAX, IMAGES_PER_SLICE + this.#stuck.size)
    for (const { timeline, group, page } of longest) {
      const segment = timelines.get(timeline)?.peek(group)
      const name = `${timeline}/${group}/${page}`
      if (segment === undefined || membership.kindOf(group) === 'tail' || this.#stuck.has(name)) continue
      const image = this.#renew(segment, page)
      if (image === undefined) this.#stuck.add(name)
      else images.push({ timeline, group, page, ...image })
      if (images.length === IMAGES_PER_SLICE) break
    }
    if (images.length > 0) store.putImages(images)
    return images.length > 0
  }

  /** undefined where there is nothing to make, or not enough here to make it of. */
  #renew(segment: Segment, page: PageNo): { lsn: Lsn; bytes: Buffer } | undefined {
    try {
      return this.#node.reader.renew(segment, page, segment.vdl)
    } catch (error) {
      if (error instanceof Refusal) return undefined
      throw error
    }
  }

  /** The VDL may have moved: what was stuck may not be any more. */
  retry(): void {
    this.#stuck.clear()
  }
}
