// The Backend: opens the cluster's catalog, admits sessions to databases.
//
//   createBackend ──▶ Cluster (roles, databases) ──▶ connect(user, database) ──▶ DatabaseHandle (shared) ──▶ SessionCore

import type { Clock, Prng } from '../../storage/base/env.ts'
import type { Engine } from '../../storage/engine/engine.ts'
import { runSuspendable } from '../../storage/base/suspend.ts'
import type { Volume } from '../../storage/volume/volume.ts'
import type { DatabaseEntry, Role } from '../catalog/catalog.ts'
import { Cluster } from '../catalog/cluster.ts'
import { resolveWhen } from '../catalog/past.ts'
import { loadSystemRelations } from '../catalog/system-relations.ts'
import { passwordVerifier } from '../ddl/scram-verifier.ts'
import { builtinFunctions } from '../functions/registry.ts'
import { EPOCH_2000_MICROS, parseWhen, type WhenContext } from '../functions/when.ts'
import { loadParser } from '../parse/parse.ts'
import { SqlError } from '../types/sql-error.ts'
import type { TypeLookup } from '../types/type.ts'
import { DatabaseKeeper } from './database-keeper.ts'
import { DatabaseHandle, type SharedBackend } from './database-handle.ts'
import { OpenDatabases } from './open-databases.ts'
import { checkPrivileges } from './privileges.ts'
import { ServerSession } from './server-session.ts'
import { SessionCore } from './session-core.ts'
import { REPORTED_SETTINGS } from './setting-definition.ts'
import type { Operations } from './volume-services.ts'
import type { Backend, RoleLogin, Session, StartupRequest } from './session.ts'

export interface BackendOptions {
  readonly engine: Engine
  readonly volume: Volume
  readonly clock: Clock
  readonly prng: Prng
  /** Settings the command line decides, by name. */
  readonly settings?: ReadonlyMap<string, string> | undefined
  /** Asked when the cluster is made: the superuser's password, if it is to have one. */
  readonly firstPassword?: (() => string | undefined) | undefined
  /** What only the composition root can do; nothing of it by default. */
  readonly operations?: Operations | undefined
  /** Told of failures of background work, which will be tried again. */
  readonly warn?: ((error: unknown) => void) | undefined
}

/** Loads what every backend needs and no storage; for whoever has nothing better to do while storage opens. */
export async function prepareBackend(): Promise<void> {
  await loadParser()
  builtinFunctions()
  loadSystemRelations()
}

export async function createBackend(options: BackendOptions): Promise<Backend> {
  await prepareBackend()
  const { engine, volume, clock, prng } = options
  const firstPassword = (): string | undefined => {
    const password = options.firstPassword?.()
    return password === undefined ? undefined : passwordVerifier(password)
  }
  const catalogs = await Cluster.open({ volume, engine, functions: builtinFunctions(), firstPassword })
  const shared: SharedBackend = {
    engine,
    volume,
    clock,
    prng,
    cluster: catalogs.store.database,
    catalogs,
    databases: new OpenDatabases({ catalogs, clock, open: (each) => new DatabaseHandle(shared, each) }),
    sessions: new Map(),
    serverSettings: options.settings ?? new Map(),
    operations: options.operations ?? { meet: undefined, crash: undefined },
    startMicros: clock.wallMicros(),
    checkPrivileges,
  }
  return new EngineBackend(shared, { warn: options.warn ?? ((): void => undefined) })
}

/** Where a session is put. */
interface Place {
  readonly entry: DatabaseEntry
  readonly handle: DatabaseHandle
}

class EngineBackend implements Backend {
  readonly #shared: SharedBackend
  readonly #sessions = new Set<ServerSession>()
  readonly #keeper: DatabaseKeeper
  #isClosing = false

  constructor(shared: SharedBackend, options: { readonly warn: (error: unknown) => void }) {
    this.#shared = shared
    this.#keeper = new DatabaseKeeper({ ...shared, warn: options.warn })
  }

  async roleLogin(name: string): Promise<RoleLogin | undefined> {
    const role = this.#shared.catalogs.shared.roleByName(name)
    if (role === undefined) return undefined
    return {
      canLogin: role.canLogin,
      isSuperuser: role.superuser,
      password: role.password,
      connectionLimit: role.connectionLimit,
      validUntilMicros: validUntilMicros(role),
    }
  }

  async connect(request: StartupRequest): Promise<Session> {
    if (this.#isClosing) throw new SqlError('57P03', 'the database system is shutting down', {}, 'FATAL')
    const { cluster } = this.#shared
    let place = await this.#place(request)
    while (!this.#isCurrent(place)) place = await this.#place(request)
    const { entry, handle } = place
    const role = this.#shared.catalogs.shared.roleByName(request.user)
    if (role === undefined) throw fatal('28000', `role "${request.user}" does not exist`)
    this.#checkLimits(handle, entry, role)
    const core = new SessionCore(this.#shared, handle, request, role)
    this.#shared.sessions.set(core.processId, core)
    handle.sessions.add(core)
    // The entry may have been made, or moved, by a commit that is not durable yet.
    if (cluster.head > cluster.vdl) core.clusterSeenLsn = cluster.head
    try {
      await initialSettings(core, request, entry, role)
    } catch (error) {
      handle.sessionClosed(core)
      throw error
    }
    for (const [name, value] of core.settings.takeUnreported()) request.sink.parameterStatus(name, value)
    const session: ServerSession = new ServerSession(core, () => this.#sessions.delete(session))
    this.#sessions.add(session)
    return session
  }

  /** Whether an entry still names the timeline that was opened: it may have been dropped or moved meanwhile. */
  #isCurrent({ entry, handle }: Place): boolean {
    const { shared } = this.#shared.catalogs
    return handle.database.isPast || shared.database(entry.oid)?.timeline === entry.timeline
  }

  /** The database that a client asks for, by name or as `name@when`, its past. */
  async #place(request: StartupRequest): Promise<Place> {
    const { catalogs, clock, databases } = this.#shared
    const { shared } = catalogs
    if (shared.roleByName(request.user) === undefined)
      throw fatal('28000', `role "${request.user}" does not exist`)
    const at = shared.databaseByName(request.database) === undefined ? request.database.lastIndexOf('@') : -1
    const entry = shared.databaseByName(at < 0 ? request.database : request.database.slice(0, at))
    if (entry === undefined) throw fatal('3D000', `database "${request.database}" does not exist`)
    if (!entry.allowConnections) {
      throw fatal('55000', `database "${entry.name}" is not currently accepting connections`)
    }
    if (at < 0) return { entry, handle: await databases.open(entry) }
    try {
      const now = clock.wallMicros()
      const when = parseWhen(request.database.slice(at + 1), startupContext(now))
      return { entry, handle: await databases.pastOf(entry, await resolveWhen(catalogs, entry, when, now)) }
    } catch (error) {
      if (!(error instanceof SqlError)) throw error
      throw new SqlError(error.code, error.message, error.fields, 'FATAL')
    }
  }

  #checkLimits(handle: DatabaseHandle, entry: DatabaseEntry, role: Role): void {
    if (role.superuser) return
    if (entry.connectionLimit >= 0 && handle.sessions.size >= entry.connectionLimit) {
      throw fatal('53300', `too many connections for database "${entry.name}"`)
    }
    if (role.connectionLimit < 0) return
    let count = 0
    for (const session of this.#shared.sessions.values()) if (session.sessionRoleOid === role.oid) count++
    if (count >= role.connectionLimit) throw fatal('53300', `too many connections for role "${role.name}"`)
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosing = true
    await this.#keeper.stop()
    const deadline = this.#shared.clock.monotonicMs() + graceMs
    while (this.#isBusy() && this.#shared.clock.monotonicMs() < deadline) {
      await new Promise<void>((resolve) => this.#shared.clock.after(10, resolve))
    }
    await Promise.all([...this.#sessions].map((session) => session.close()))
  }

  #isBusy(): boolean {
    for (const core of this.#shared.sessions.values()) if (core.turns.isRunning) return true
    return false
  }
}

function fatal(code: string, message: string): SqlError {
  return new SqlError(code, message, {}, 'FATAL')
}

function validUntilMicros(role: Role): number | undefined {
  if (role.validUntil === undefined || role.validUntil === 'infinity') return undefined
  const ms = Date.parse(role.validUntil)
  return Number.isNaN(ms) ? undefined : ms * 1000
}

/** Values in force before the first statement: database, role, both, then what the client asked for. */
async function initialSettings(
  core: SessionCore,
  request: StartupRequest,
  entry: DatabaseEntry,
  role: Role,
): Promise<void> {
  const { settings } = core
  core.context.startStatement(core.startMicros)
  // A point of the past (borealis.as_of) takes a while to find.
  const set = (name: string, value: string, source: 'server' | 'client'): void | Promise<void> =>
    runSuspendable(() => settings.setInitial(name, value, source))
  for (const setting of [...entry.settings, ...role.settings]) {
    const at = setting.indexOf('=')
    await set(setting.slice(0, at), setting.slice(at + 1), 'server')
  }
  for (const [name, value] of request.parameters) {
    if (name === 'replication' || name === 'options' || name.startsWith('_pq_.')) continue
    await set(name, value, 'client')
  }
  for (const name of REPORTED_SETTINGS) settings.touch(name)
}

/** Times in a database's name are read before there is a session: in UTC unless they say otherwise. */
function startupContext(wallMicros: number): WhenContext {
  const micros = wallMicros - EPOCH_2000_MICROS
  return {
    timeZone: 'UTC',
    dateStyle: { style: 'ISO', order: 'MDY' },
    intervalStyle: 'postgres',
    extraFloatDigits: 1,
    byteaOutput: 'hex',
    transactionMicros: micros,
    statementMicros: () => micros,
    lookup: NO_NAMES,
  }
}

const NO_NAMES: TypeLookup = {
  type: unreachableName,
  regNameToOid: unreachableName,
  regOidToName: unreachableName,
  checkDomain: unreachableName,
}

function unreachableName(): never {
  throw new Error('a point in time names no object')
}
