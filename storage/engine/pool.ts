// The buffer pool: frames of one page each, in slabs of shared memory, for all timelines of the engine.
//
//   slab 0 (16 MB): │frame 0│frame 1│...│frame 2047│      frame f: slab f >> 11, byte (f & 2047) << 13
//   slab 1        : │frame 2048│...
//
// A frame is free, the current image of a page, or an older version of one. Slabs are added as they are needed, up to the
// bound; after that a clock hand looks for a frame to reuse: usage counts go down as it passes, 0 goes.
//
// Invariants:
// - A frame whose page LSN is above its timeline's VCL is never reused: only the pool has that image.
// - Frames are taken (and others evicted for them) only where no caller holds a frame number over it: when a fetched page
//   arrives, or in `ensureFree` before a change begins. `take` itself never evicts.
// - `stamp` changes whenever any frame changes its meaning or its bytes. Who remembers a frame looks it up again when the
//   stamp is another.

import { assert } from '../base/assert.ts'
import type { Lsn, PageNo } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'

const SLAB_SHIFT = 11
export const SLAB_PAGES: number = 1 << SLAB_SHIFT
const SLAB_MASK = SLAB_PAGES - 1
const PAGE_SHIFT = 13
const USAGE_MAX = 4
/** Below this a commit that splits at every level could not go on. */
const POOL_PAGES_MIN = 128

assert(1 << PAGE_SHIFT === PAGE_SIZE_BYTES, 'shift and size of a page agree')

/** What the pool asks of the owner of a frame (a PageSpace). */
export interface FrameOwner {
  /** Pages at or below this LSN can be read back from storage. */
  readonly vcl: Lsn
  /** The frame is about to be reused: forget it. */
  forget(page: PageNo, frame: number): void
}

export class Pool {
  readonly pagesMax: number
  /** Memory of each slab, in two shapes. */
  readonly buffers: Buffer[] = []
  readonly views: DataView[] = []
  /** LSN of the image in each frame. */
  readonly lsns: Float64Array
  readonly pageNos: Uint32Array
  /** Of an older version: the next older one in its chain, or -1. */
  readonly older: Int32Array
  /** Of an older version: highest LSN that it is right for. Infinity on current frames. */
  readonly validTo: Float64Array
  readonly usage: Uint8Array
  private readonly owners: (FrameOwner | undefined)[] = []
  private readonly free: number[] = []
  private hand = 0
  private framesMade = 0

  stamp = 0
  evictions = 0
  hits = 0
  misses = 0
  versionPages = 0

  constructor(sizeBytes: number) {
    this.pagesMax = Math.max(POOL_PAGES_MIN, Math.floor(sizeBytes / PAGE_SIZE_BYTES))
    this.lsns = new Float64Array(this.pagesMax)
    this.pageNos = new Uint32Array(this.pagesMax)
    this.older = new Int32Array(this.pagesMax)
    this.validTo = new Float64Array(this.pagesMax)
    this.usage = new Uint8Array(this.pagesMax)
  }

  /** Pages in use. */
  get pages(): number {
    return this.framesMade - this.free.length
  }

  /** Frames that can be taken without evicting anything. */
  get freeFrames(): number {
    return this.free.length
  }

  buffer(frame: number): Buffer {
    return this.buffers[frame >> SLAB_SHIFT] as Buffer
  }

  view(frame: number): DataView {
    return this.views[frame >> SLAB_SHIFT] as DataView
  }

  /** Position of a frame's page in its slab. */
  offset(frame: number): number {
    return (frame & SLAB_MASK) << PAGE_SHIFT
  }

  /** Counts a use of a frame for the clock. */
  touch(frame: number): void {
    const usage = this.usage[frame] as number
    if (usage < USAGE_MAX) this.usage[frame] = usage + 1
    this.hits++
  }

  /** Makes sure that `count` frames can be taken. False if too few pages may leave: wait for the VCL to move. */
  ensureFree(count: number): boolean {
    while (this.free.length < count) {
      if (this.framesMade < this.pagesMax) this.addFrames()
      else if (!this.evictOne()) return false
    }
    return true
  }

  /** Takes a free frame for a page. The caller asked ensureFree, writes the page and sets `lsns`. */
  take(owner: FrameOwner, page: PageNo): number {
    const frame = this.free.pop()
    assert(frame !== undefined, 'frames were reserved by ensureFree')
    this.owners[frame] = owner
    this.pageNos[frame] = page
    this.usage[frame] = 1
    this.older[frame] = -1
    this.validTo[frame] = Infinity
    this.stamp++
    return frame
  }

  /** Gives a frame back whose owner has forgotten it. */
  release(frame: number): void {
    assert(this.owners[frame] !== undefined, 'a frame is released once')
    this.owners[frame] = undefined
    this.free.push(frame)
    this.stamp++
  }

  private addFrames(): void {
    const count = Math.min(SLAB_PAGES, this.pagesMax - this.framesMade)
    const memory = new SharedArrayBuffer(count * PAGE_SIZE_BYTES)
    this.buffers.push(Buffer.from(memory))
    this.views.push(new DataView(memory))
    for (let i = count - 1; i >= 0; i--) this.free.push(this.framesMade + i)
    for (let i = 0; i < count; i++) this.owners.push(undefined)
    this.framesMade += count
  }

  /** Moves the clock hand to the next frame that may go and frees it. False if there is none. */
  private evictOne(): boolean {
    const stepsMax = this.framesMade * (USAGE_MAX + 1)
    for (let step = 0; step < stepsMax; step++) {
      const frame = this.hand
      this.hand = frame + 1 === this.framesMade ? 0 : frame + 1
      const owner = this.owners[frame]
      if (owner === undefined) continue
      const usage = this.usage[frame] as number
      if (usage > 0) {
        this.usage[frame] = usage - 1
      } else if ((this.lsns[frame] as number) <= owner.vcl) {
        owner.forget(this.pageNos[frame] as PageNo, frame)
        this.release(frame)
        this.evictions++
        return true
      }
    }
    return false
  }
}
