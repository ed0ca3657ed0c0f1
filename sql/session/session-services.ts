// What built-in functions ask of the session and the server (sql/functions/services.ts): sequences, sleeping, signals,
// transaction ids, advisory locks, notifications. The catalog's part comes from sql/catalog.

import { suspend } from '../../storage/base/suspend.ts'
import { formatLsn, type Lsn } from '../../storage/base/ids.ts'
import type { LockOwner } from '../../storage/engine/engine.ts'
import type { Sequence } from '../catalog/catalog.ts'
import { storedDeparser } from '../ddl/stored-deparser.ts'
import type { SessionServices } from '../functions/function.ts'
import type {
  AdvisoryKey,
  AdvisoryLockServices,
  BackendServices,
  NotificationServices,
  SequenceServices,
  SizeServices,
  TransactionServices,
} from '../functions/services.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import type { Int8 } from '../types/value.ts'
import { branchSizes } from '../catalog/branch-sizes.ts'
import { catalogServices, privilegeServices } from '../catalog/catalog-services.ts'
import { branchServices } from './branching/branch-services.ts'
import { PAYLOAD_SIZE_BYTES_MAX } from './notifications.ts'
import type { SessionCore } from './session-core.ts'
import { SessionVolumeServices } from './volume-services.ts'
import { PAGE_SIZE_BYTES } from '../../storage/base/limits.ts'

const EPOCH_2000_MICROS = 946_684_800_000_000

export function makeServices(core: SessionCore): SessionServices {
  const names = {
    catalog: () => core.catalog,
    context: () => core.context,
    roleOid: () => core.roleOid,
  }
  return {
    catalog: catalogServices({ ...names, deparser: storedDeparser(names) }),
    privileges: privilegeServices(names),
    sequences: sequenceServices(core),
    sizes: sizeServices(core),
    advisoryLocks: advisoryLockServices(core),
    backends: new SessionBackendServices(core),
    transactions: transactionServices(core),
    notifications: notificationServices(core),
    volume: new SessionVolumeServices(core),
    branches: branchServices(core),
  }
}

function sequenceServices(core: SessionCore): SequenceServices {
  const sequenceOf = (oid: number): Sequence => {
    const relation = core.catalog.relation(oid)
    if (relation === undefined) throw new SqlError('42P01', `relation with OID ${oid} does not exist`)
    if (relation.kind !== 'sequence') throw new SqlError('42809', `"${relation.name}" is not a sequence`)
    return relation
  }
  return {
    nextValue: (oid) => {
      const sequence = sequenceOf(oid)
      core.requireWritable('nextval()')
      const value = core.handle.catalogs.sequences.next(sequence)
      core.sequenceValues.set(oid, value)
      core.lastSequenceOid = oid
      return value
    },
    currentValue: (oid) => {
      const sequence = sequenceOf(oid)
      const value = core.sequenceValues.get(oid)
      if (value === undefined) {
        throw new SqlError(
          '55000',
          `currval of sequence "${sequence.name}" is not yet defined in this session`,
        )
      }
      return value
    },
    lastValue: () => {
      const value = core.sequenceValues.get(core.lastSequenceOid)
      if (value === undefined) throw new SqlError('55000', 'lastval is not yet defined in this session')
      return value
    },
    setValue: (oid, value, isCalled) => {
      core.requireWritable('setval()')
      core.handle.catalogs.sequences.set(sequenceOf(oid), value, isCalled)
      if (isCalled) core.sequenceValues.set(oid, value)
      return value
    },
    peek: (oid) => {
      const { last, isCalled } = core.reading.catalogs.sequences.current(sequenceOf(oid))
      return isCalled ? last : null
    },
    parameters: (oid) => {
      const { start, min, max, increment, cycle, cache, type } = sequenceOf(oid)
      return [start, min, max, increment, cycle, cache, type]
    },
  }
}

function sizeServices(core: SessionCore): SizeServices {
  const pagesOf = (oid: number): number | null => {
    const relation = core.catalog.relation(oid)
    if (relation === undefined) return null
    return core.server.estimate(oid).pages
  }
  const bytes = (pages: number | null): Int8 | null => (pages === null ? null : pages * PAGE_SIZE_BYTES)
  const indexPages = (oid: number): number | null => {
    const relation = core.catalog.relation(oid)
    if (relation === undefined) return null
    if (relation.kind !== 'table') return 0
    return relation.indexes.reduce(
      (sum, index) => sum + (index.isClustered ? 0 : (pagesOf(index.oid) ?? 0)),
      0,
    )
  }
  const total = (oid: number): number | null => {
    const own = pagesOf(oid)
    return own === null ? null : own + (indexPages(oid) ?? 0)
  }
  return {
    relation: (oid, fork) => (fork === 'main' ? bytes(pagesOf(oid)) : pagesOf(oid) === null ? null : 0),
    table: (oid) => bytes(pagesOf(oid)),
    indexes: (oid) => bytes(indexPages(oid)),
    total: (oid) => bytes(total(oid)),
    database: (name) => {
      const { shared } = core.catalog
      const entry = typeof name === 'number' ? shared.database(name) : shared.databaseByName(name)
      if (entry === undefined) {
        if (typeof name === 'number') return null
        throw new SqlError('3D000', `database "${name}" does not exist`)
      }
      if (entry.oid !== core.handle.oid) {
        const sizes = branchSizes(core.server, [entry])(entry)
        return sizes === undefined ? null : sizes.own + sizes.shared
      }
      let pages = 0
      for (const relation of core.catalog.relations()) {
        if (relation.kind === 'table' && relation.virtual === undefined) pages += total(relation.oid) ?? 0
      }
      return bytes(pages)
    },
    tablespace: () => 0,
  }
}

/** Names an advisory lock among the objects that the engine's lock table knows. */
function advisoryName(key: AdvisoryKey): string {
  return `advisory:${key.form}:${key.high}:${key.low}`
}

function advisoryLockServices(core: SessionCore): AdvisoryLockServices {
  const owner = (): LockOwner => core.lockOwner
  return {
    lock: (key, { shared, wait, untilEndOfTransaction }) => {
      const mode = shared ? 5 : 7
      const how = wait ? 'wait' : 'skip'
      const name = advisoryName(key)
      if (untilEndOfTransaction) return core.transaction.writer().lockObject(name, mode, how)
      return owner().lock(name, mode, how)
    },
    unlock: (key, shared) => {
      if (owner().unlock(advisoryName(key), shared ? 5 : 7)) return true
      core.say('WARNING', `you don't own a lock of type ${shared ? 'ShareLock' : 'ExclusiveLock'}`)
      return false
    },
    unlockAll: () => owner().unlockAll(),
  }
}

class SessionBackendServices implements BackendServices {
  readonly #core: SessionCore
  /** When the pg_sleep under way ends, monotonic milliseconds. */
  #wakeMs: number | undefined

  constructor(core: SessionCore) {
    this.#core = core
  }

  sleep(seconds: number): void {
    const { clock } = this.#core.backend
    const now = clock.monotonicMs()
    this.#wakeMs ??= now + seconds * 1000
    const left = this.#wakeMs - now
    if (left <= 0) {
      this.#wakeMs = undefined
      return
    }
    suspend(new Promise<void>((resolve) => clock.after(left, resolve)))
  }

  /** The statement ended, perhaps in the middle of a sleep. */
  stopSleep(): void {
    this.#wakeMs = undefined
  }

  cancel(processId: number): boolean {
    return this.#signal(processId, (target) =>
      target.turns.cancel(new SqlError('57014', 'canceling statement due to user request')),
    )
  }

  terminate(processId: number): boolean {
    return this.#signal(processId, (target) => target.terminate(terminated()))
  }

  #signal(processId: number, action: (target: SessionCore) => void): boolean {
    const core = this.#core
    const target = core.backend.sessions.get(processId)
    if (target === undefined) {
      core.say('WARNING', `PID ${processId} is not a PostgreSQL server process`)
      return false
    }
    if (!core.isSuperuser && target.roleOid !== core.roleOid) {
      throw new SqlError(
        '42501',
        'must be a member of the role whose query is being canceled or member of pg_signal_backend',
      )
    }
    action(target)
    return true
  }

  blockingProcessIds(): readonly number[] {
    return []
  }

  get clientAddress(): string | null {
    return this.#core.remoteAddress ?? null
  }

  get clientPort(): number | null {
    return null
  }

  get serverAddress(): string | null {
    return this.#core.remoteAddress === undefined ? null : '127.0.0.1'
  }

  get serverPort(): number | null {
    return Number(this.#core.backend.serverSettings.get('port') ?? 5432)
  }

  get serverStartMicros(): Int8 {
    return this.#core.backend.startMicros - EPOCH_2000_MICROS
  }

  get configurationLoadMicros(): Int8 {
    return this.serverStartMicros
  }

  readonly isInRecovery = false
  readonly isJitAvailable = false
  readonly triggerDepth = 0

  get queryText(): string | null {
    return this.#core.queryText
  }

  reloadConfiguration(): boolean {
    return true
  }

  warn(code: string, message: string): void {
    this.#core.say('WARNING', message, code)
  }
}

function transactionServices(core: SessionCore): TransactionServices {
  const lsnText = (lsn: Lsn): string => formatLsn(lsn)
  return {
    currentId: () => core.transaction.writer().id,
    currentIdIfAssigned: () => core.transaction.engineTransaction?.id ?? null,
    snapshotText: () => {
      const id = core.transaction.writer().id
      return `${id}:${id}:`
    },
    status: (id) => {
      if (id === core.transaction.engineTransaction?.id) return 'in progress'
      throw unsupported('pg_xact_status of another transaction')
    },
    exportSnapshot: () => {
      const { exportedSnapshots } = core.handle
      let id = ''
      const lsn = core.transaction.exportView(() => exportedSnapshots.remove(id))
      id = exportedSnapshots.add(lsn)
      return id
    },
    currentLsn: (which) =>
      lsnText(which === 'flush' ? core.reading.database.vdl : core.reading.database.head),
  }
}

function notificationServices(core: SessionCore): NotificationServices {
  return {
    notify: (channel, payload) => {
      if (channel === '') throw new SqlError('22023', 'channel name cannot be empty')
      if (Buffer.byteLength(channel) > 63) throw new SqlError('22023', 'channel name too long')
      if (Buffer.byteLength(payload) >= PAYLOAD_SIZE_BYTES_MAX)
        throw new SqlError('22023', 'payload string too long')
      core.notifications.notify(channel, payload)
    },
    listening: () => [...core.notifications.channels],
  }
}

/** Why a session is ended on request. */
export function terminated(): SqlError {
  return new SqlError('57P01', 'terminating connection due to administrator command', {}, 'FATAL')
}
