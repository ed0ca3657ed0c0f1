// One timeline, opened: the Database of the engine's door. It joins the parts: pages, readers, locks, commits.

import { assert } from '../base/assert.ts'
import type { Clock } from '../base/env.ts'
import type { Lsn, PageNo, TimelineId, TreeId } from '../base/ids.ts'
import { runSuspendable } from '../base/suspend.ts'
import type { CommitOrigin } from '../log/record.ts'
import { fillFromWrites } from './cell.ts'
import { Committer } from './committer.ts'
import {
  CATALOG_TREE,
  type Cell,
  type CellVersion,
  type Cursor,
  type Database,
  type LeafSearch,
  type LockOwner,
  type PageCounts,
  type Transaction,
  type View,
} from './engine.ts'
import { KeyLocks } from './key-locks.ts'
import { InnerPageSearch, leafVersions } from './leaf-search.ts'
import { LockGroup } from './locks.ts'
import { MiniTransaction } from './mini-transaction.ts'
import { ObjectLocks } from './object-locks.ts'
import { OverflowReader } from './overflow-reader.ts'
import type { PageSpace } from './page-space.ts'
import { Reclaimer } from './reclaim.ts'
import { SessionLocks } from './session-locks.ts'
import { PinnableView, pinView, unpinView } from './pinnable-view.ts'
import { EngineTransaction } from './transaction.ts'
import { TreeCursor } from './tree-cursor.ts'
import { TreeReader } from './tree-reader.ts'
import { OPERATION_DELETE } from './write-set.ts'

/** The VDL moves every few milliseconds while anything is committed; this long means that it cannot. */
const STALL_MS = 500

export class TimelineDatabase implements Database {
  readonly timeline: TimelineId
  readonly isPast = false
  readonly keyLocks: KeyLocks = new KeyLocks()
  readonly objectLocks: ObjectLocks = new ObjectLocks()
  readonly space: PageSpace
  private readonly clock: Clock
  private readonly mtr: MiniTransaction
  private readonly committer: Committer
  private readonly reclaimer: Reclaimer
  private readonly overflow: OverflowReader
  private readonly reader: TreeReader
  private readonly rowIds = new Map<TreeId, number>()
  private nextTransactionId = 1
  private reclaiming: Promise<void> | undefined
  private closing = false
  /** The VDL at the last look of a reader that was not at the head, and since when it has been that. */
  private stalledVdl = -1
  private stalledSinceMs = 0

  constructor(space: PageSpace, clock: Clock) {
    this.timeline = space.timeline
    this.space = space
    this.clock = clock
    this.mtr = new MiniTransaction(space)
    this.committer = new Committer(space, this.mtr, clock)
    this.reclaimer = new Reclaimer(this.mtr, clock)
    this.overflow = new OverflowReader(space)
    this.reader = new TreeReader(space, this.overflow)
  }

  get head(): Lsn {
    return this.space.head
  }

  get vdl(): Lsn {
    return this.space.vdl
  }

  get pageCounts(): PageCounts {
    return this.space.pool
  }

  get oldestReadPoint(): Lsn {
    return this.space.readPoints.min(this.space.head)
  }

  get commits(): number {
    return this.committer.commits
  }

  /** Reads the meta page; writes the first pages of a timeline that has none. */
  async open(empty: boolean): Promise<void> {
    const { pool } = this.space
    if (empty) {
      while (!pool.ensureFree(4)) await this.space.later()
      this.mtr.bootstrap(CATALOG_TREE)
      this.space.head = this.mtr.finish(this.clock.wallMicros(), 0)
      return
    }
    await runSuspendable(() => this.mtr.readMeta())
    this.reclaim()
  }

  /** Waits for what was committed to be durable and for background work to stop. */
  async close(): Promise<void> {
    this.closing = true
    await this.reclaiming
    if (this.mtr.hasReturned) await this.reclaimSome()
    const head = this.head
    await new Promise<void>((resolve, reject) => {
      this.onDurable(head, (error) => (error === undefined ? resolve() : reject(error)))
    })
  }

  readPoint(): Lsn {
    const { head, vdl } = this.space
    if (vdl >= head) return head
    this.watchVdl(vdl)
    return this.clock.monotonicMs() - this.stalledSinceMs < STALL_MS ? head : vdl
  }

  /** Called at each commit and by readers that are not at the head: notes since when the VDL is what it is. */
  private watchVdl(vdl: Lsn): void {
    if (vdl === this.stalledVdl) return
    this.stalledVdl = vdl
    this.stalledSinceMs = this.clock.monotonicMs()
  }

  view(readLsn: Lsn = this.space.head): View {
    return new PinnableView(this, readLsn)
  }

  pin(view: View): void {
    pinView(view, this.space.readPoints)
  }

  unpin(view: View): void {
    unpinView(view, this.space.readPoints)
  }

  begin(owner?: LockOwner, origin?: CommitOrigin): Transaction {
    const group = owner instanceof SessionLocks ? owner.group : new LockGroup(0)
    return new EngineTransaction(this, this.nextTransactionId++, group, origin)
  }

  lockOwner(processId: number): LockOwner {
    return new SessionLocks(new LockGroup(processId), this.objectLocks)
  }

  get(view: View, tree: TreeId, key: Uint8Array): Cell | undefined {
    if (view.transaction !== undefined) {
      const own = this.ownCell(view.transaction as EngineTransaction, view.commandId, tree, key)
      if (own !== false) return own
    }
    const found = this.reader.get(tree, key, view.readLsn)
    if (this.reader.leafLsn > view.seenLsn) view.seenLsn = this.reader.leafLsn as Lsn
    return found ? this.reader.cell : undefined
  }

  getLatest(tree: TreeId, key: Uint8Array): Cell | undefined {
    return this.reader.get(tree, key, this.space.head) ? this.reader.cell : undefined
  }

  cursor(view: View, tree: TreeId): Cursor {
    return new TreeCursor(
      this.space,
      this.overflow,
      view,
      view.transaction as EngineTransaction | undefined,
      tree,
    )
  }

  nextRowId(tree: TreeId): number {
    const next = this.rowIds.get(tree) ?? this.highestRowId(tree) + 1
    this.rowIds.set(tree, next + 1)
    return next
  }

  putNow(tree: TreeId, key: Uint8Array, value: Uint8Array): Lsn {
    const lsn = this.committer.putNow(tree, key, value)
    this.afterCommit()
    return lsn
  }

  onDurable(lsn: Lsn, callback: (error?: Error) => void): void {
    this.space.onDurable(lsn, callback)
  }

  leafVersions(view: View, tree: TreeId, page: PageNo): readonly CellVersion[] | undefined {
    return leafVersions(this.space, tree, page, view.readLsn)
  }

  leafSearch(view: View, tree: TreeId, wanted: ReadonlySet<PageNo>): LeafSearch {
    return new InnerPageSearch(this.space, tree, view.readLsn, wanted)
  }

  pathLsn(view: View, tree: TreeId, key: Uint8Array): Lsn {
    return this.reader.pathLsn(tree, key, view.readLsn)
  }

  estimate(view: View, tree: TreeId): { readonly cellCount: number; readonly pageCount: number } {
    const transaction = view.transaction as EngineTransaction | undefined
    if (transaction?.created(tree) === true) {
      return { cellCount: transaction.writes.writesOf(tree)?.count ?? 0, pageCount: 1 }
    }
    return this.reader.estimate(tree, view.readLsn)
  }

  sample(view: View, tree: TreeId, leafCount: number, visit: (cell: Cell) => void): void {
    const transaction = view.transaction as EngineTransaction | undefined
    if (transaction?.created(tree) !== true) this.reader.visitSample(tree, view.readLsn, leafCount, visit)
  }

  commit(transaction: EngineTransaction): Lsn {
    const lsn = this.committer.commit(transaction)
    this.afterCommit()
    return lsn
  }

  reserveTree(): TreeId {
    return this.mtr.reserveTree()
  }

  returnTree(tree: TreeId): void {
    this.mtr.returnTree(tree)
    this.rowIds.delete(tree)
  }

  /** Own cell, undefined if deleted by the transaction itself, false if it said nothing about the key. */
  private ownCell(
    transaction: EngineTransaction,
    commandId: number,
    tree: TreeId,
    key: Uint8Array,
  ): Cell | undefined | false {
    const { writes } = transaction
    const own = writes.entryCount === 0 ? undefined : writes.writesOf(tree)
    if (own !== undefined && own.firstCommand < commandId) {
      const place = writes.newest(tree, key, commandId)
      if (place >= 0) {
        if (writes.operation(place) === OPERATION_DELETE) return undefined
        fillFromWrites(this.reader.cell, writes, place)
        return this.reader.cell
      }
    }
    return transaction.created(tree) || transaction.dropped(tree) ? undefined : false
  }

  /** The row id that begins the highest key of a tree; 0 for an empty tree. */
  private highestRowId(tree: TreeId): number {
    const cursor = this.cursor(this.view(), tree)
    cursor.seek(undefined, undefined, true)
    if (!cursor.next()) return 0
    const { keyBytes, keyStart, keyEnd } = cursor.cell
    assert(keyEnd - keyStart >= 8, 'keys of a tree with row ids begin with eight bytes')
    return (
      (keyBytes.readUInt32BE(keyStart) & 0x7fff_ffff) * 0x1_0000_0000 + keyBytes.readUInt32BE(keyStart + 4)
    )
  }

  private afterCommit(): void {
    this.watchVdl(this.space.vdl)
    if (this.reclaimer.hasWork) this.reclaim()
  }

  private reclaim(): void {
    if (this.reclaiming !== undefined || !this.reclaimer.hasWork) return
    this.reclaiming = this.reclaimAll()
      .catch(() => undefined) // whoever commits next meets the error
      .then(() => {
        this.reclaiming = undefined
      })
  }

  private async reclaimAll(): Promise<void> {
    while (this.reclaimer.hasWork && !this.closing) {
      await new Promise<void>((resolve) => this.clock.soon(resolve))
      await this.reclaimSome()
    }
  }

  /** One turn of the reclaimer. */
  private async reclaimSome(): Promise<void> {
    const turn = this.reclaimer.newTurn()
    await runSuspendable(() => {
      this.committer.waitForTurn()
      this.committer.takeTurn(turn, true)
    })
    await runSuspendable(() => this.committer.waitForTurn())
  }
}
