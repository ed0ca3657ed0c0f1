// What functions and views about the volume ask of the session (sql/functions/volume-functions.ts): figures, changes of
// members, faults on purpose.
//
// What they do takes a message to the nodes and back, so they suspend. A statement that was suspended calls again; what
// was begun once is not begun twice: results are kept under what was asked until another statement asks.

import { StorageError } from '../../storage/base/errors.ts'
import type { TimelineId } from '../../storage/base/ids.ts'
import { suspend } from '../../storage/base/suspend.ts'
import type { Member } from '../../storage/message/configuration.ts'
import type { Fault, TimelineSize } from '../../storage/message/message.ts'
import type { SegmentStatus, Volume } from '../../storage/volume/volume.ts'
import type { DiskFault, VolumeServices } from '../functions/volume-functions.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import type { SessionCore } from './session-core.ts'

/** What only the composition root can do. */
export interface Operations {
  /** Greets the storage node at an address; undefined where the nodes are inside this process. */
  readonly meet: ((address: string) => Promise<Member>) | undefined
  /** Ends this process as kill -9 does; undefined unless the server was started with --fault-injection. */
  readonly crash: (() => void) | undefined
}

/** Aurora's number of us: PostgreSQL's major and minor version and a patch. */
const AURORA_VERSION = '15.18.0'
const CRASH_KINDS: readonly string[] = ['instance', 'dispatcher', 'node']

export class SessionVolumeServices implements VolumeServices {
  readonly version: string = AURORA_VERSION
  readonly #core: SessionCore
  readonly #results = new Map<string, unknown>()
  #statementMicros = 0

  constructor(core: SessionCore) {
    this.#core = core
  }

  get #volume(): Volume {
    return this.#core.backend.volume
  }

  /** The result of work that this statement began, once it is there. Suspends until then. */
  #awaited<T>(key: string, work: () => Promise<T>): T {
    const statementMicros = this.#core.context.statementMicros()
    if (statementMicros !== this.#statementMicros) {
      this.#results.clear()
      this.#statementMicros = statementMicros
    }
    if (this.#results.has(key)) return this.#results.get(key) as T
    return suspend(work().then((result) => this.#results.set(key, result)))
  }

  figures(): { readonly segments: number; readonly nodes: number } {
    const { groups } = this.#volume.configuration
    const nodes = new Set(groups.flatMap(({ slots }) => slots.map(({ member }) => member.node)))
    return { segments: groups.reduce((sum, { slots }) => sum + slots.length, 0), nodes: nodes.size }
  }

  segments(): readonly SegmentStatus[] {
    return this.#awaited('segments', () => this.#volume.segments())
  }

  timelineSizes(timelines: readonly TimelineId[]): readonly TimelineSize[] | undefined {
    return this.#awaited(`sizes ${timelines.join()}`, async () => {
      try {
        return await this.#volume.sizes(timelines)
      } catch (error) {
        if (error instanceof StorageError) return undefined
        throw error
      }
    })
  }

  replaceNode(node: number, address: string): void {
    this.#requireSuperuser('replace a storage node')
    this.#awaited(`replace ${node} ${address}`, async () => {
      await this.#volume.replaceNode(node, await this.#meet(address))
    })
  }

  addSpare(address: string): void {
    this.#requireSuperuser('add a spare storage node')
    this.#awaited(`spare ${address}`, async () => this.#volume.addSpare(await this.#meet(address)))
  }

  setZoneAway(zone: string, isAway: boolean): void {
    this.#requireSuperuser('take a zone out of the quorum')
    const { groups } = this.#volume.configuration
    if (!groups.some(({ slots }) => slots.some(({ member }) => member.zone === zone)))
      throw new SqlError('42704', `zone "${zone}" does not exist`)
    this.#awaited(`zone ${zone} ${isAway}`, () => this.#volume.setZoneAway(zone, isAway))
  }

  injectCrash(kind: string): void {
    const crash = this.#requireFaults()
    if (!CRASH_KINDS.includes(kind))
      throw new SqlError('22023', `unrecognized crash type "${kind}"`, {
        hint: `Use one of ${CRASH_KINDS.join(', ')}.`,
      })
    crash()
  }

  injectDiskFailure(fault: DiskFault): void {
    this.#requireFaults()
    const { percentage, durationMs } = checkFault(fault)
    this.#inject(fault, { kind: 'disk-failure', probability: percentage / 100, durationMs })
  }

  injectDiskCongestion(fault: DiskFault, delayMsMin: number, delayMsMax: number): void {
    this.#requireFaults()
    const { percentage, durationMs } = checkFault(fault)
    if (!(delayMsMin >= 0 && delayMsMin <= delayMsMax))
      throw new SqlError('22023', 'the minimum delay must be between 0 and the maximum')
    const probability = percentage / 100
    this.#inject(fault, { kind: 'disk-congestion', probability, delayMsMin, delayMsMax, durationMs })
  }

  /** The index counts the nodes of the volume, or their segments, group after group. */
  #inject({ index }: DiskFault, fault: Fault): void {
    const { groups } = this.#volume.configuration
    const members = groups.flatMap(({ slots }) => slots.map(({ member }) => member))
    const member = members[index]
    if (member === undefined) throw new SqlError('22023', `index must be between 0 and ${members.length - 1}`)
    this.#awaited(`inject ${index} ${JSON.stringify(fault)}`, () => this.#volume.inject(member.node, fault))
  }

  #meet(address: string): Promise<Member> {
    const { meet } = this.#core.backend.operations
    if (meet === undefined) throw unsupported('changing members of a volume with embedded storage nodes')
    return meet(address)
  }

  #requireSuperuser(what: string): void {
    if (!this.#core.isSuperuser) throw new SqlError('42501', `must be superuser to ${what}`)
  }

  #requireFaults(): () => void {
    this.#requireSuperuser('inject faults')
    const { crash } = this.#core.backend.operations
    if (crash === undefined)
      throw new SqlError('55000', 'fault injection is off', {
        hint: 'Start the server with --fault-injection.',
      })
    return crash
  }
}

function checkFault(fault: DiskFault): DiskFault {
  if (!(fault.percentage > 0 && fault.percentage <= 100))
    throw new SqlError('22023', 'percentage_of_failure must be between 1 and 100')
  if (!(fault.durationMs > 0)) throw new SqlError('22023', 'time_interval must be positive')
  return fault
}
