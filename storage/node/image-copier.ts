// Copies a segment from a peer that has collected part of its log: all images first, then the place where its log begins.
// From there on a LogCopier goes on.
//
//   fetch-images ─▶ … ─▶ complete ─▶ fetch-log behind the peer's `logAfter`: served? then it was not collected any
//                                    further meanwhile, and the images are all that anyone needs below it
//
// Images are true wherever they come from: one more or less makes no page wrong. What matters is that none that is needed
// is missing when the segment's log is said to begin there; until then its SCL stays where it was. The beginning is made
// durable, and all images before it with it: the next append on top of it is acknowledged. A segment that keeps log only
// needs no images and begins at once.

import { StorageError } from '../base/errors.ts'
import { FIRST_GROUP, type Lsn } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import type { ImageCopy, NodeMessage, SegmentKey } from '../message/message.ts'
import { NO_COMMIT } from './commit-times.ts'
import type { Copier, CopySurroundings } from './filler.ts'
import type { PeerPosition } from './gossip.ts'
import { asBuffer } from './log-intake.ts'
import { type Fetched, Portions } from './portions.ts'
import type { KeptCommit, PageVersion } from './segment-store.ts'

export class ImageCopier implements Copier {
  readonly #around: CopySurroundings
  readonly #key: SegmentKey
  readonly #from: PeerPosition & { readonly isTail: boolean }
  readonly #end: (failed: boolean) => void
  readonly #portions: Portions<ImageCopy>
  /** The last one that was fetched. */
  #reached: PageVersion | undefined
  #stopped = false

  constructor(
    around: CopySurroundings,
    key: SegmentKey,
    from: PeerPosition & { readonly isTail: boolean },
    end: (failed: boolean) => void,
  ) {
    this.#around = around
    this.#key = key
    this.#from = from
    this.#end = end
    this.#portions = new Portions<ImageCopy>({
      clock: around.clock,
      fetch: (sizeMax, done) => this.#fetch(sizeMax, done),
      sizeOf: ({ bytes }) => bytes.length,
      write: (images, size) => this.#write(images, size),
      isFilling: () => around.node.isFilling,
      isBusy: () => around.gossip.isBusy,
      end: (failed) => (failed ? this.#finish(true) : this.#confirm()),
    })
  }

  start(): void {
    const { isTail, state } = this.#from
    // Below its birth there is nothing to copy.
    if (isTail || state.logAfter === state.birth) this.#confirm()
    else this.#portions.start()
  }

  stop(): void {
    this.#stopped = true
    this.#portions.stop()
  }

  #finish(failed: boolean): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#end(failed)
  }

  #fail(answer: NodeMessage | undefined): void {
    if (answer?.kind === 'failed') this.#around.gossip.distrust(this.#from.peer)
    this.#finish(true)
  }

  #fetch(sizeMax: number, done: (fetched: Fetched<ImageCopy> | undefined) => void): void {
    const { gossip } = this.#around
    const after = this.#reached
    const request = { kind: 'fetch-images', ...this.#key, after, sizeMax } as const
    gossip.link(this.#from.peer).request(request, gossip.epochs(), (answer) => {
      const last = answer?.kind === 'images' ? answer.images.at(-1) : undefined
      if (answer?.kind !== 'images' || (last === undefined && !answer.complete)) {
        if (answer?.kind === 'failed') gossip.distrust(this.#from.peer)
        return done(undefined)
      }
      if (last !== undefined) this.#reached = { page: last.page, lsn: last.lsn }
      done({ pieces: answer.images, isLast: answer.complete })
    })
  }

  #write(images: readonly ImageCopy[], size: number): boolean {
    const { node, gossip } = this.#around
    if (!gossip.isJoined) return false
    const sound = images.filter(({ bytes }) => bytes.length > 0 && bytes.length <= PAGE_SIZE_BYTES)
    try {
      if (sound.length > 0) {
        const put = sound.map((image) => ({ ...this.#key, ...image, bytes: asBuffer(image.bytes) }))
        node.write(() => node.store.putImages(put))
      }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      return false
    }
    node.figures.bytesGossiped += size
    return true
  }

  /** Makes sure that the peer's log still begins where it did, and begins ours there. */
  #confirm(): void {
    const { gossip } = this.#around
    const { logAfter } = this.#from.state
    const request = { kind: 'fetch-log', ...this.#key, after: logAfter, sizeMax: 1 } as const
    gossip.link(this.#from.peer).request(request, gossip.epochs(), (answer) => {
      if (this.#stopped) return
      if (answer?.kind !== 'log' || !gossip.isJoined) return this.#fail(answer)
      this.#askCommits(logAfter)
    })
  }

  /** Asks when the points were that are read below the log's beginning: commits are in the log, which we do not get. */
  #askCommits(after: Lsn): void {
    const { node, gossip } = this.#around
    const { timeline, group } = this.#key
    const owner = node.timelines.get(timeline)
    if (group !== FIRST_GROUP || owner === undefined) return this.#begin(after, [])
    const points = [...node.points.of(owner).filter((point) => point > owner.base && point < after), after]
    const commits: KeptCommit[] = []
    let left = points.length
    for (const at of points) {
      const request = { kind: 'time-of', timeline, lsn: at } as const
      gossip.link(this.#from.peer).request(request, gossip.epochs(), (answer) => {
        // One at or below the branch point is an ancestor's.
        const isOwn = answer?.kind === 'time' && answer.lsn > owner.base
        if (answer?.kind === 'time')
          commits.push(isOwn ? { at, lsn: answer.lsn, wallMicros: answer.wallMicros } : { at, ...NO_COMMIT })
        if (--left === 0 && !this.#stopped) this.#begin(after, commits)
      })
    }
  }

  #begin(after: Lsn, commits: readonly KeptCommit[]): void {
    const { node } = this.#around
    const timeline = node.timelines.get(this.#key.timeline)
    if (timeline === undefined || !node.membership.keeps(this.#key.group)) return this.#finish(true)
    const segment = timeline.segment(this.#key.group) ?? timeline.make(this.#key.group)
    const { birth } = this.#from.state
    try {
      const start = { birth, after, commits }
      if (segment.scl < after) node.register.begin(segment, start)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      return this.#finish(true)
    }
    this.#finish(false)
  }
}
