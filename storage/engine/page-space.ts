// The pages of one timeline as the pool holds them: for each page at most one current frame, and older versions of it
// that somebody read or needs.
//
//              current[page] ──▶ frame (page LSN 900, valid from 900 on)
//   versions[page] ──▶ frame (LSN 700, to 899) ──older──▶ frame (LSN 300, to 650) ──▶ -1
//
// read(page, readLsn) answers with the frame that was right at readLsn, or suspends while the volume is asked.
//
// Why a page that is not here can always be asked for at the VCL: frames above the VCL are never evicted, so if there is
// no current frame, the newest version is at or below the VCL.
//
// Branches: on a child timeline, a page that the child never changed is its ancestor's at the branch point. Such a page is
// looked up in, and after a fetch installed into, the ancestor's space (`inherits`), so any number of branches share one
// frame. What the child changed gets a frame of its own at its first change (`own`).

import { assert } from '../base/assert.ts'
import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { LSN_ZERO, type Lsn, type PageNo, type TimelineId } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import { suspend } from '../base/suspend.ts'
import { unsealPage } from '../page/checksum.ts'
import { PAGE_TYPE_FREE, pageLsn, pageType, setPageLsn } from '../page/format.ts'
import type { TimelineLog } from '../volume/volume.ts'
import { PageTable } from './page-table.ts'
import type { FrameOwner, Pool } from './pool.ts'
import { ReadPoints } from './read-points.ts'

interface Fetch {
  readonly arrived: Promise<void>
  /** The page came to be in another way meanwhile: what arrives is outdated. */
  outdated: boolean
}

/** Where a branch's unchanged page is: in an ancestor's space, at the lowest branch point between the two. */
interface Home {
  readonly space: PageSpace
  readonly lsn: Lsn
}

/** A way over several ancestors to another: for pages that none of those between had changed. */
interface Skip extends Home {
  readonly touched: ReadonlySet<number>
}

/** Pages that the ancestors of one skip have changed together; beyond it the walk goes level by level there. */
const SKIP_PAGES_MAX = 4096

export interface PageSpaceOptions {
  readonly pool: Pool
  readonly log: TimelineLog
  readonly clock: Clock
  readonly parent: Home | undefined
  /** Tests: called at every access, may suspend. */
  readonly onAccess: (() => void) | undefined
}

export class PageSpace implements FrameOwner {
  readonly timeline: TimelineId
  readonly pool: Pool
  readonly log: TimelineLog
  readonly readPoints: ReadPoints = new ReadPoints()
  /** LSN of the newest commit whose pages are all applied. */
  head: Lsn
  /** Spaces that have this one as their parent. */
  branchCount = 0
  private readonly clock: Clock
  private readonly parent: Home | undefined
  private readonly onAccess: (() => void) | undefined
  private readonly current = new PageTable()
  private readonly versions = new PageTable()
  /** Fetches under way of current pages by number, and of versions by `page@lsn`. */
  private readonly fetches = new Map<number | string, Fetch>()
  /** On a branch without history of its own: the pages it has changed. Else undefined: what it changed is not known. */
  private readonly changed: Set<number> | undefined
  /**
   * On a branch: where the pages are that it has not changed, once that is known. The branch point being fixed, so is the
   * answer: one hop, however deep the branch.
   */
  private readonly homes: Map<number, Home> = new Map()
  /** Ancestors on the way to the root. */
  private readonly depth: number
  private readonly skip: Skip | undefined
  private readonly homesByOwner: Map<PageSpace, Home> = new Map()

  constructor(options: PageSpaceOptions) {
    this.timeline = options.log.timeline
    this.pool = options.pool
    this.log = options.log
    this.clock = options.clock
    this.parent = options.parent
    this.onAccess = options.onAccess
    this.head = Math.max(options.log.vdl, options.parent?.lsn ?? 0) as Lsn
    const fresh = options.parent !== undefined && options.log.vdl <= options.parent.lsn
    this.changed = fresh ? new Set() : undefined
    this.depth = options.parent === undefined ? 0 : options.parent.space.depth + 1
    this.skip = options.parent && PageSpace.skipAbove(this.depth, options.parent)
  }

  /** Up to here the volume can be asked for any page: on a branch, at least up to its branch point. */
  get vcl(): Lsn {
    const { vcl } = this.log
    return this.parent !== undefined && this.parent.lsn > vcl ? this.parent.lsn : vcl
  }

  get vdl(): Lsn {
    const { vdl } = this.log
    return this.parent !== undefined && this.parent.lsn > vdl ? this.parent.lsn : vdl
  }

  /** The space that an LSN of this timeline's history belongs to: its own, or that of an ancestor. */
  home(lsn: Lsn): PageSpace {
    const { parent } = this
    return parent !== undefined && lsn <= parent.lsn ? parent.space.home(lsn) : this
  }

  /** Calls back once everything up to `lsn` is durable, be it an ancestor's. */
  onDurable(lsn: Lsn, callback: (error?: Error) => void): void {
    if (this.parent !== undefined && lsn <= this.parent.lsn) this.parent.space.onDurable(lsn, callback)
    else this.log.onDurable(lsn, callback)
  }

  /** The frame with the image of `page` at `readLsn`. Suspends if it must be fetched. */
  read(page: PageNo, readLsn: Lsn): number {
    if (this.onAccess !== undefined) this.onAccess()
    const frame = this.current.get(page)
    if (frame >= 0 && (this.pool.lsns[frame] as number) <= readLsn) {
      this.pool.touch(frame)
      return frame
    }
    return this.readOlder(page, readLsn)
  }

  /** The frame with the newest image of `page`, be it of an unfinished commit. Suspends if it must be fetched. */
  readNewest(page: PageNo): number {
    return this.read(page, Infinity as Lsn)
  }

  /** Whether read(page, readLsn) would return without waiting. */
  has(page: PageNo, readLsn: Lsn): boolean {
    const frame = this.current.get(page)
    if (frame >= 0 && (this.pool.lsns[frame] as number) <= readLsn) return true
    if (this.version(page, readLsn) >= 0) return true
    if (!this.inherits(page, readLsn)) return false
    const at = this.inherited(page, readLsn)
    return at.space.has(page, Math.min(at.lsn, readLsn) as Lsn)
  }

  /** Asks for a page that will be read soon. Errors are left to whoever reads it. */
  prefetch(page: PageNo, readLsn: Lsn): void {
    if (!this.has(page, readLsn)) this.fetch(page, readLsn).catch(() => undefined)
  }

  /** The newest image of a page if it is resident, else -1. */
  resident(page: PageNo): number {
    const frame = this.current.get(page)
    if (frame >= 0 || !this.inherits(page, Infinity as Lsn)) return frame
    const home = this.homeOf(page)
    return home.space.residentAt(page, home.lsn)
  }

  /**
   * The current frame of a page that is resident and about to be changed by a record at `lsn`. Copies the image first
   * where somebody needs it as it was. Takes up to two frames.
   */
  own(page: PageNo, lsn: Lsn): number {
    let frame = this.current.get(page)
    if (frame < 0) {
      const inherited = this.resident(page)
      assert(inherited >= 0, 'a page is resident when it is changed')
      frame = this.copyFrame(inherited, page)
      this.current.set(page, frame)
    }
    this.changed?.add(page)
    if (this.homes.size > 0) this.homes.delete(page)
    const before = this.pool.lsns[frame] as number
    // Nobody reads a page as it was before it was ever written, or while it was free.
    if (this.readPoints.max >= before && before > 0 && !this.isFree(frame))
      this.keepVersion(page, frame, (lsn - 1) as Lsn)
    return frame
  }

  private isFree(frame: number): boolean {
    return pageType(this.pool.buffer(frame), this.pool.offset(frame)) === PAGE_TYPE_FREE
  }

  /**
   * A frame for a page number that was never given out before. Takes one frame. What is in it is old; the page's first
   * record replaces all of it.
   */
  create(page: PageNo): number {
    assert(this.current.get(page) < 0, 'a new page has no frame')
    if (this.fetches.size > 0) this.outdate(page)
    const frame = this.pool.take(this, page)
    setPageLsn(this.pool.buffer(frame), this.pool.offset(frame), LSN_ZERO)
    this.pool.lsns[frame] = 0
    this.current.set(page, frame)
    this.changed?.add(page)
    return frame
  }

  forget(page: PageNo, frame: number): void {
    if (this.current.get(page) === frame) {
      this.current.delete(page)
      return
    }
    this.pool.versionPages--
    const older = this.pool.older
    let newer = this.versions.get(page)
    if (newer === frame) {
      if (older[frame] === -1) this.versions.delete(page)
      else this.versions.set(page, older[frame] as number)
      return
    }
    while (older[newer] !== frame) newer = older[newer] as number
    older[newer] = older[frame] as number
  }

  /** Gives all frames back. */
  clear(): void {
    for (const table of [this.current, this.versions]) {
      const pages: number[] = []
      table.forEach((page) => pages.push(page))
      for (const page of pages) {
        for (let frame = table.get(page); frame >= 0; frame = table.get(page)) {
          this.forget(page as PageNo, frame)
          this.pool.release(frame)
        }
      }
    }
  }

  /** Resolves some time later, when the VCL may have moved and frames may be free again. */
  later(): Promise<void> {
    return new Promise((resolve) => this.clock.after(1, resolve))
  }

  private readOlder(page: PageNo, readLsn: Lsn): number {
    const version = this.version(page, readLsn)
    if (version >= 0) {
      this.pool.touch(version)
      return version
    }
    if (this.inherits(page, readLsn)) {
      const at = this.inherited(page, readLsn)
      return at.space.read(page, at.lsn < readLsn ? at.lsn : readLsn)
    }
    return suspend(this.fetch(page, readLsn))
  }

  /**
   * Where a page is that this branch has not changed: the nearest ancestor that has its frame or may have changed it, and
   * the lowest branch point on the way there. Walks up once for each page.
   */
  private homeOf(page: PageNo): Home {
    const known = this.homes.get(page)
    if (known !== undefined) return known
    let { space, lsn } = this.above(page)
    while (space.parent !== undefined && !space.holds(page, lsn) && space.inherits(page, lsn)) {
      const next = (lsn > space.parent.lsn ? space.homes.get(page) : undefined) ?? space.above(page)
      lsn = Math.min(lsn, next.lsn) as Lsn
      space = next.space
    }
    const home = this.homeAt(space, lsn)
    this.homes.set(page, home)
    return home
  }

  /** Where an inherited page is to be looked for. Below the branch point that is the parent, whatever this branch changed. */
  private inherited(page: PageNo, readLsn: Lsn): Home {
    const parent = this.parent as Home
    return readLsn <= parent.lsn ? parent : this.homeOf(page)
  }

  /** One object for each ancestor: the way to it has one lowest branch point. */
  private homeAt(space: PageSpace, lsn: Lsn): Home {
    let home = this.homesByOwner.get(space)
    if (home === undefined) {
      home = { space, lsn }
      this.homesByOwner.set(space, home)
    }
    return home
  }

  /** The next ancestor that may have changed a page which this branch has not changed: the parent, or one beyond a skip. */
  private above(page: PageNo): Home {
    const { skip } = this
    return skip !== undefined && !skip.touched.has(page) ? skip : (this.parent as Home)
  }

  /**
   * The skip of a space at this depth under `parent`: to the depth without its lowest bit, so that few steps lead anywhere.
   * Undefined where it would skip nothing, or what is between is not known or changed too much.
   */
  private static skipAbove(depth: number, parent: Home): Skip | undefined {
    const target = depth & (depth - 1)
    if (target === depth - 1) return undefined
    const touched = new Set<number>()
    let at = parent
    let { lsn } = parent
    while (at.space.depth > target) {
      const { changed, skip, parent: next } = at.space
      if (changed === undefined || next === undefined) return undefined
      const further = skip !== undefined && skip.space.depth >= target ? skip : undefined
      if (touched.size + changed.size + (further?.touched.size ?? 0) > SKIP_PAGES_MAX) return undefined
      for (const page of changed) touched.add(page)
      for (const page of further?.touched ?? []) touched.add(page)
      at = further ?? next
      lsn = Math.min(lsn, at.lsn) as Lsn
    }
    return { space: at.space, lsn, touched }
  }

  /** Whether a frame of this timeline's own shows the page at `lsn`. */
  private holds(page: PageNo, lsn: Lsn): boolean {
    const frame = this.current.get(page)
    return (frame >= 0 && (this.pool.lsns[frame] as number) <= lsn) || this.version(page, lsn) >= 0
  }

  private residentAt(page: PageNo, lsn: Lsn): number {
    const frame = this.current.get(page)
    if (frame >= 0 && (this.pool.lsns[frame] as number) <= lsn) return frame
    const version = this.version(page, lsn)
    if (version >= 0 || !this.inherits(page, lsn)) return version
    const at = this.inherited(page, lsn)
    return at.space.residentAt(page, Math.min(at.lsn, lsn) as Lsn)
  }

  /** Whether the page at `readLsn` is known to be the ancestor's. */
  private inherits(page: PageNo, readLsn: Lsn): boolean {
    if (this.parent === undefined) return false
    if (readLsn <= this.parent.lsn) return true
    return this.changed === undefined ? this.homes.has(page) : !this.changed.has(page)
  }

  private version(page: PageNo, readLsn: Lsn): number {
    const { lsns, validTo, older } = this.pool
    let frame = this.versions.get(page)
    while (frame >= 0 && ((lsns[frame] as number) > readLsn || readLsn > (validTo[frame] as number))) {
      frame = older[frame] as number
    }
    return frame
  }

  private copyFrame(from: number, page: PageNo): number {
    const pool = this.pool
    const frame = pool.take(this, page)
    const at = pool.offset(from)
    pool.buffer(from).copy(pool.buffer(frame), pool.offset(frame), at, at + PAGE_SIZE_BYTES)
    pool.lsns[frame] = pool.lsns[from] as number
    return frame
  }

  private keepVersion(page: PageNo, current: number, validTo: Lsn): void {
    this.addVersion(page, this.copyFrame(current, page), validTo)
  }

  private addVersion(page: PageNo, frame: number, validTo: Lsn): void {
    this.pool.validTo[frame] = validTo
    this.pool.older[frame] = this.versions.get(page)
    this.versions.set(page, frame)
    this.pool.versionPages++
  }

  private outdate(page: PageNo): void {
    const fetch = this.fetches.get(page)
    if (fetch !== undefined) fetch.outdated = true
  }

  /** Brings a page in; requests for the same page are shared. */
  private fetch(page: PageNo, readLsn: Lsn): Promise<void> {
    const vcl = this.vcl
    if (this.current.get(page) < 0) {
      if (this.inherits(page, readLsn)) {
        const at = this.inherited(page, readLsn)
        return at.space.fetch(page, Math.min(at.lsn, readLsn) as Lsn)
      }
      if (readLsn >= this.head || readLsn > vcl) return this.shareFetch(page, page, vcl)
    }
    if (readLsn > vcl) return this.durable(readLsn)
    return this.shareFetch(`${page}@${readLsn}`, page, readLsn)
  }

  private shareFetch(key: number | string, page: PageNo, lsn: Lsn): Promise<void> {
    const running = this.fetches.get(key)
    if (running !== undefined) return running.arrived
    this.pool.misses++
    const arrived = this.load(key, page, lsn).finally(() => this.fetches.delete(key))
    this.fetches.set(key, { arrived, outdated: false })
    arrived.catch(() => undefined) // whoever waits has it; nobody may be left to wait
    return arrived
  }

  private async load(key: number | string, page: PageNo, lsn: Lsn): Promise<void> {
    const bytes = await this.log.readPage(page, lsn)
    assert(bytes.length === PAGE_SIZE_BYTES, 'the volume answers with a page')
    const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    if (!unsealPage(image, 0)) {
      throw new StorageError('corrupt', `page ${page} of timeline ${this.timeline} has a wrong checksum`)
    }
    while (!this.pool.ensureFree(1)) await this.later()
    if (typeof key === 'string') this.adopt(page, image, lsn)
    else if (this.fetches.get(key)?.outdated === false && this.current.get(page) < 0)
      this.install(page, image, lsn)
  }

  /** Takes in the newest image of a page: as our current one, or as an ancestor's if we never changed it. */
  private install(page: PageNo, image: Buffer, lsn: Lsn): void {
    if (this.parent === undefined || pageLsn(image, 0) > this.parent.lsn) {
      this.current.set(page, this.fill(page, image))
      return
    }
    assert(this.changed === undefined, 'a branch without history knows what it changed')
    this.homes.set(page, this.homeAt(this.parent.space, this.parent.lsn))
    this.adopt(page, image, lsn)
  }

  /** Takes in a version that is right up to `validTo` at least, here or in the ancestor it belongs to. */
  private adopt(page: PageNo, image: Buffer, validTo: Lsn): void {
    const lsn = pageLsn(image, 0)
    if (this.parent !== undefined && lsn <= this.parent.lsn) {
      if (validTo <= this.parent.lsn || this.inherits(page, validTo)) {
        this.parent.space.adopt(page, image, Math.min(this.parent.lsn, validTo) as Lsn)
        return
      }
    }
    for (let frame = this.versions.get(page); frame >= 0; frame = this.pool.older[frame] as number) {
      if (this.pool.lsns[frame] !== lsn) continue
      this.pool.validTo[frame] = Math.max(this.pool.validTo[frame] as number, validTo)
      return
    }
    this.addVersion(page, this.fill(page, image), validTo)
  }

  private fill(page: PageNo, image: Buffer): number {
    const frame = this.pool.take(this, page)
    image.copy(this.pool.buffer(frame), this.pool.offset(frame))
    this.pool.lsns[frame] = pageLsn(image, 0)
    return frame
  }

  private durable(lsn: Lsn): Promise<void> {
    return new Promise((resolve, reject) => {
      this.onDurable(lsn, (error) => (error === undefined ? resolve() : reject(error)))
    })
  }
}
