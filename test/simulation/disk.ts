// A node's disk: what a SegmentStore in memory holds, and what of it outlives a crash.
//
//   node ─▶ proxy ─▶ MemorySegmentStore          one per life of the node, the contents as they are now
//             └────▶ journal of all changes      survives; the next life's store is made by doing them again
//
//   crash: of the derived changes (images, tails, checkpoints, collections) behind the last durable one that is no append
//   and no birth, a drawn number never happened; a durable change that was under way happened whole or not at all, or left
//   a torn batch.
//
// After its crash a disk throws at every touch, so that nothing a dead process still does can reach it.

import { must } from '../../storage/base/assert.ts'
import { StorageError } from '../../storage/base/errors.ts'
import { MemorySegmentStore } from '../../storage/node/memory-segment-store.ts'
import {
  DamagedImage,
  type PageImage,
  type PageVersion,
  type SegmentStore,
  type StoredBatch,
  type StoredTimeline,
} from '../../storage/node/segment-store.ts'
import { isJustBorn } from '../../storage/node/stored-births.ts'
import type { SegmentKey } from '../../storage/message/message.ts'
import type { Lsn } from '../../storage/base/ids.ts'
import { readBatchHeader } from '../../storage/message/batch.ts'
import type { Chance } from './chance.ts'
import type { Coverage } from './coverage.ts'

type Method = {
  [K in keyof SegmentStore]: SegmentStore[K] extends (...args: never[]) => unknown ? K : never
}[keyof SegmentStore]

type Nature = 'read' | 'durable' | 'derived'

/** What each method does to the disk. A new method of the door does not compile until it stands here. */
const NATURE: Readonly<Record<Method, Nature>> = {
  identity: 'read',
  setIdentity: 'durable',
  configuration: 'read',
  setConfiguration: 'durable',
  timelines: 'read',
  segments: 'read',
  putTimelines: 'durable',
  dead: 'read',
  bury: 'durable',
  reviveTimeline: 'durable',
  dropTimeline: 'durable',
  forgetTimeline: 'derived',
  openSegment: 'durable',
  truncate: 'durable',
  append: 'durable',
  replaceBatch: 'durable',
  batchAt: 'read',
  batchAfter: 'read',
  batchesAfter: 'read',
  visitHeaders: 'read',
  visitUnindexed: 'read',
  dropLog: 'derived',
  imageAt: 'read',
  imageLsnAt: 'read',
  imageAbove: 'read',
  imagesAfter: 'read',
  imageVersionsAfter: 'read',
  putImages: 'derived',
  dropImages: 'derived',
  tail: 'read',
  putTails: 'derived',
  longChains: 'read',
  recordsSinceImages: 'read',
  startLog: 'derived',
  clear: 'derived',
  size: 'read',
  scrubLog: 'read',
  scrubImages: 'read',
  expectMuch: 'read',
  position: 'read',
  checkpoint: 'derived',
  housekeep: 'read',
  statistics: 'read',
  close: 'read',
}

/** What a disk without room refuses. */
const TAKES_SPACE: ReadonlySet<Method> = new Set([
  'putTimelines',
  'bury',
  'openSegment',
  'append',
  'putImages',
  'putTails',
  'checkpoint',
])

/** Thrown through a node whose host died while it was writing. */
export class Crash extends Error {
  override readonly name = 'Crash'
}

interface Change {
  readonly method: Method
  args: readonly unknown[]
  readonly isDurable: boolean
  /** Whether the derived changes before it are on disk with it. */
  readonly isCarrier: boolean
}

/** The moment of a write at which the host shall die. */
export type CrashPoint = 'before' | 'after' | 'torn'

export interface DiskSurroundings {
  readonly coverage: Coverage
  /** A batch is on the disk now. */
  persisted(batch: StoredBatch): void
  /** An image is on the disk now. */
  imaged(image: PageImage): void
}

export class SimDisk {
  readonly name: string
  /** No space is left: what would take some fails, and nothing of it is stored. */
  isFull = false
  /** The host dies at its next durable write. */
  crashPoint: CrashPoint | undefined
  /** This disk may lose or damage what was once written. */
  isRotten = false
  /** A planted lie: appends are not durable before something else is. */
  lies = false
  #journal: Change[] = []
  /** The highest number of a timeline that was forgotten. */
  #forgotten = 0
  #store: MemorySegmentStore | undefined
  readonly #rottenImages = new Set<string>()
  readonly #chance: Chance
  readonly #around: DiskSurroundings

  constructor(name: string, chance: Chance, around: DiskSurroundings) {
    this.name = name
    this.#chance = chance
    this.#around = around
  }

  /** False after a crash, until it is opened again. */
  get isAlive(): boolean {
    return this.#store !== undefined
  }

  /** The store as what survived says it is. */
  open(): SegmentStore {
    const store = new MemorySegmentStore()
    for (const { method, args } of this.#journal) perform(store, method, args)
    this.#store = store
    return new Proxy<SegmentStore>(store, {
      get: (_, property) => {
        const method = property as Method
        if (NATURE[method] === undefined) return store[property as 'where']
        return (...args: readonly unknown[]): unknown => this.#call(store, method, args)
      },
    })
  }

  #call(store: MemorySegmentStore, method: Method, args: readonly unknown[]): unknown {
    if (this.#store !== store) throw new Crash(`${this.name} is dead`)
    const nature = NATURE[method]
    if (nature === 'read') return this.#read(store, method, args)
    if (this.isFull && TAKES_SPACE.has(method))
      throw new StorageError('disk-full', `${this.name}: no space is left`)
    if (nature === 'durable' && this.crashPoint !== undefined) this.#crashAtWrite(store, method, args)
    return this.#change(store, method, args)
  }

  #change(store: MemorySegmentStore, method: Method, args: readonly unknown[]): unknown {
    const result = perform(store, method, args)
    const isDurable = NATURE[method] === 'durable' && !(this.lies && method === 'append')
    this.#journal.push({ method, args, isDurable, isCarrier: isDurable && !this.#isHot(method, args) })
    if (method === 'truncate') this.#around.coverage.count('truncation')
    if (method === 'append')
      for (const batch of args[0] as readonly StoredBatch[]) this.#around.persisted(batch)
    if (method === 'putImages') {
      for (const image of args[0] as readonly PageImage[]) {
        this.#rottenImages.delete(nameOf(image, image))
        this.#around.imaged(image)
      }
    }
    return result
  }

  /** What a node's hot log takes. */
  #isHot(method: Method, args: readonly unknown[]): boolean {
    if (method === 'forgetTimeline') this.#forgotten = Math.max(this.#forgotten, args[0] as number)
    if (method !== 'putTimelines') return method === 'append'
    const timelines = args[0] as readonly StoredTimeline[]
    return timelines.every((one) => isJustBorn(one) && one.birth.id > this.#forgotten)
  }

  #crashAtWrite(store: MemorySegmentStore, method: Method, args: readonly unknown[]): never {
    const point = this.crashPoint
    this.crashPoint = undefined
    this.#around.coverage.count(
      point === 'after' ? 'node crash after a disk write' : 'node crash before a disk write',
    )
    if (point === 'after') this.#change(store, method, args)
    if (point === 'torn' && method === 'append' && this.isRotten) {
      const batches = args[0] as readonly StoredBatch[]
      const torn = batches.map((batch) => ({ ...batch, bytes: this.#tear(batch.bytes) }))
      this.#journal.push({ method, args: [torn], isDurable: true, isCarrier: false })
      this.#around.coverage.count('batch torn')
    }
    this.#store = undefined
    throw new Crash(`${this.name} dies while it writes`)
  }

  /** What the power left of a batch: its beginning, and whatever was there before. */
  #tear(bytes: Buffer): Buffer {
    const torn = Buffer.from(bytes)
    torn.fill(0, this.#chance.below(bytes.length))
    return torn
  }

  /** The host died: derived changes may be lost back to an earlier moment. */
  crash(): void {
    this.#store = undefined
    this.crashPoint = undefined
    const carrier = this.#journal.findLastIndex(({ isCarrier }) => isCarrier)
    const behind = this.#journal.splice(carrier + 1)
    let kept = this.#chance.below(behind.filter(({ isDurable }) => !isDurable).length + 1)
    const survivors = behind.filter(({ isDurable }) => isDurable || kept-- > 0)
    if (survivors.length < behind.length) this.#around.coverage.count('derived writes lost')
    this.#journal.push(...survivors)
  }

  /** The bytes of a batch as they lie on the disk, or undefined. */
  held(segment: SegmentKey, first: Lsn): Buffer | undefined {
    const bytes = this.#store?.batchAt(segment, first)
    return bytes !== undefined && readBatchHeader(bytes).first === first ? bytes : undefined
  }

  // --- rot

  /** Damages a batch or an image as it lies on the disk. */
  rot(): void {
    if (!this.isRotten || this.#store === undefined) return
    if (this.#chance.happens(0.6)) this.#rotBatch(this.#store)
    else this.#rotImage(this.#store)
  }

  #rotBatch(store: MemorySegmentStore): void {
    const appends = this.#journal.filter(({ method }) => method === 'append')
    if (appends.length === 0) return
    const change = this.#chance.pick(appends)
    const batches = change.args[0] as readonly StoredBatch[]
    const victim = this.#chance.pick(batches)
    // Only what is still there can rot.
    const held = store.batchAt(victim, victim.first)
    if (held === undefined || !held.equals(victim.bytes)) return
    const at = this.#chance.below(held.length)
    const bytes = Buffer.from(victim.bytes)
    bytes[at] = must(bytes[at]) ^ (1 << this.#chance.below(8))
    change.args = [batches.map((batch) => (batch === victim ? { ...victim, bytes } : batch))]
    // In the store's own memory only: what the node has read before, and verified, stays in its memory as it was.
    store.replaceBatch({ ...victim, bytes })
    this.#around.coverage.count('batch rotten')
  }

  #rotImage(store: MemorySegmentStore): void {
    const puts = this.#journal.filter(({ method }) => method === 'putImages')
    if (puts.length === 0) return
    const image = this.#chance.pick(this.#chance.pick(puts).args[0] as readonly PageImage[])
    if (store.imageLsnAt(image, image.page, image.lsn) !== image.lsn) return
    this.#rottenImages.add(nameOf(image, image))
    this.#around.coverage.count('image rotten')
  }

  /** Reads; an image that is rotten fails its checksum. */
  #read(store: MemorySegmentStore, method: Method, args: readonly unknown[]): unknown {
    const result = perform(store, method, args)
    if (this.#rottenImages.size === 0) return result
    const segment = args[0] as SegmentKey
    if (method === 'imageAt' && result !== undefined) {
      this.#verify(segment, { page: args[1] as PageVersion['page'], lsn: (result as PageVersion).lsn })
    } else if (method === 'imagesAfter') {
      for (const image of (result as ReturnType<SegmentStore['imagesAfter']>).images)
        this.#verify(segment, image)
    } else if (method === 'scrubImages' && result === 0) {
      const damaged = args[2] as Parameters<SegmentStore['scrubImages']>[2]
      for (const image of this.#rottenHeld(store)) damaged(image)
    }
    return result
  }

  #verify(segment: SegmentKey, { page, lsn }: PageVersion): void {
    const { timeline, group } = segment
    if (this.#rottenImages.has(nameOf(segment, { page, lsn })))
      throw new DamagedImage(this.name, { timeline, group, page, lsn })
  }

  #rottenHeld(store: MemorySegmentStore): (SegmentKey & PageVersion)[] {
    const images = this.#journal.flatMap(({ method, args }) =>
      method === 'putImages' ? (args[0] as readonly PageImage[]) : [],
    )
    return images.filter(
      (image) =>
        this.#rottenImages.has(nameOf(image, image)) &&
        store.imageLsnAt(image, image.page, image.lsn) === image.lsn,
    )
  }
}

function nameOf({ timeline, group }: SegmentKey, { page, lsn }: PageVersion): string {
  return `${timeline}/${group}/${page}/${lsn}`
}

function perform(store: MemorySegmentStore, method: Method, args: readonly unknown[]): unknown {
  const call = store[method] as (...args: readonly unknown[]) => unknown
  return Reflect.apply(call, store, args)
}
