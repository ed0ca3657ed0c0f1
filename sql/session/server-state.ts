// What computed relations (pg_stat_activity, pg_settings, pg_locks, ...) show of the running server, seen by one session.

import { LSN_ZERO, type TimelineId } from '../../storage/base/ids.ts'
import type { TimelineSize } from '../../storage/message/message.ts'
import { LAL_BYTES } from '../../storage/base/limits.ts'
import type { SegmentStatus } from '../../storage/volume/volume.ts'
import type { Sequence, ServerState, SessionState, SettingState, VolumeState } from '../catalog/catalog.ts'
import { ArrayValue, type Row } from '../types/value.ts'
import { displayValue } from './setting-definition.ts'
import type { SessionCore } from './session-core.ts'

const EPOCH_2000_MICROS = 946_684_800_000_000
const REGTYPE_OID = 2206

export class BackendState implements ServerState {
  readonly #core: SessionCore

  constructor(core: SessionCore) {
    this.#core = core
  }

  get timeLineOfDatabase(): TimelineId {
    return this.#core.database.timeline
  }

  timeline(id: TimelineId): ReturnType<ServerState['timeline']> {
    const { catalogs, volume } = this.#core.backend
    const parent = volume.timeline(id)?.parent
    return { parent: parent?.timeline, base: parent?.lsn ?? LSN_ZERO, head: catalogs.headOf(id) }
  }

  timelineSizes(timelines: readonly TimelineId[]): readonly TimelineSize[] | undefined {
    return this.#core.context.services.volume.timelineSizes(timelines)
  }

  *sessions(): Iterable<SessionState> {
    for (const session of this.#core.backend.sessions.values()) yield sessionState(session)
  }

  *settings(): Iterable<SettingState> {
    for (const { definition, value, isChanged } of this.#core.settings.all()) {
      yield {
        name: definition.name,
        value,
        unit: definition.unit === '' ? undefined : definition.unit,
        category: '',
        description: '',
        context: definition.context,
        type: definition.type,
        source: isChanged ? 'session' : 'default',
        min: definition.min === undefined ? undefined : String(definition.min),
        max: definition.max === undefined ? undefined : String(definition.max),
        enumValues: definition.enumValues.length === 0 ? undefined : definition.enumValues,
        bootValue: definition.defaultValue,
        resetValue: definition.defaultValue,
      }
    }
  }

  /** SHOW ALL's rows: name, setting as displayed. */
  *shown(): Iterable<readonly [string, string]> {
    for (const { definition, value } of this.#core.settings.all()) {
      yield [definition.name, displayValue(definition, value)]
    }
  }

  *preparedStatements(): Iterable<Row> {
    for (const statement of this.#core.statements.values()) {
      if (statement.name === '') continue
      yield [
        statement.name,
        statement.text,
        statement.preparedMicros - EPOCH_2000_MICROS,
        new ArrayValue(REGTYPE_OID, [...statement.parameterTypes]),
        statement.isFromSql,
        0,
        0,
      ]
    }
  }

  *cursors(): Iterable<Row> {
    for (const portal of this.#core.portals.all()) {
      if (!portal.isCursor) continue
      const created = this.#core.transaction.startMicros - EPOCH_2000_MICROS
      yield [portal.name, portal.text, portal.isHoldable, false, portal.isScrollable, created]
    }
  }

  locks(): Iterable<Row> {
    return []
  }

  segments(): readonly SegmentStatus[] {
    return this.#core.context.services.volume.segments()
  }

  volume(): VolumeState {
    const { backend, database } = this.#core
    const { volume, engine } = backend
    const { vcl, vdl, tail } = volume.log(database.timeline)
    const { groups, segmentSizeBytes } = volume.configuration
    return {
      ...volume.status(),
      vcl,
      vdl,
      pgmrpl: database.oldestReadPoint,
      tail,
      lalRoomBytes: Math.max(0, vcl + LAL_BYTES - tail),
      volumeEpoch: volume.volumeEpoch,
      groupCount: groups.length,
      segmentSizeBytes,
      commits: engine.status().commits,
    }
  }

  sequenceRow(sequence: Sequence): Row {
    const { last, reserved, isCalled } = this.#core.reading.catalogs.sequences.current(sequence)
    return [last, reserved, isCalled]
  }

  estimate(relationOid: number): { readonly tuples: number; readonly pages: number } {
    const core = this.#core
    const relation = core.catalog.relation(relationOid)
    if (relation === undefined || (relation.kind !== 'table' && relation.kind !== 'index'))
      return { tuples: 0, pages: 0 }
    if (relation.kind === 'table' && relation.virtual !== undefined) return { tuples: 100, pages: 1 }
    const { database } = core.reading
    const { cellCount, pageCount } = database.estimate(database.view(), relation.tree)
    return { tuples: cellCount, pages: pageCount }
  }
}

function sessionState(session: SessionCore): SessionState {
  const { transaction } = session
  const isActive = session.turns.isRunning
  return {
    processId: session.processId,
    databaseOid: session.handle.oid,
    databaseName: session.handle.name,
    userOid: session.roleOid,
    userName: session.context.sessionUser,
    applicationName: session.settings.raw('application_name') ?? '',
    clientAddress: session.remoteAddress,
    clientPort: -1,
    backendStartMicros: session.startMicros - EPOCH_2000_MICROS,
    transactionStartMicros: transaction.isIdle ? undefined : transaction.startMicros - EPOCH_2000_MICROS,
    queryStartMicros: session.queryText === '' ? undefined : session.queryStartMicros - EPOCH_2000_MICROS,
    stateChangeMicros: session.queryStartMicros - EPOCH_2000_MICROS,
    state: isActive
      ? 'active'
      : transaction.isFailed
        ? 'idle in transaction (aborted)'
        : transaction.isBlock
          ? 'idle in transaction'
          : 'idle',
    waitEventType: isActive ? (session.turns.isWaiting ? 'Lock' : undefined) : 'Client',
    waitEvent: isActive ? undefined : 'ClientRead',
    query: session.queryText,
  }
}
