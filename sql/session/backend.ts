// The Backend: opens the cluster's catalog, admits sessions to databases.
//
//   createBackend ──▶ Cluster (roles, databases) ──▶ connect(user, database) ──▶ DatabaseHandle (shared) ──▶ SessionCore

import type { Clock, Prng } from '../../storage/base/env.ts'
import type { Engine } from '../../storage/engine/engine.ts'
import type { Volume } from '../../storage/volume/volume.ts'
import type { DatabaseEntry, Role } from '../catalog/catalog.ts'
import { Cluster } from '../catalog/cluster.ts'
import { builtinFunctions } from '../functions/registry.ts'
import { loadParser } from '../parse/parse.ts'
import { SqlError } from '../types/sql-error.ts'
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
  /** What only the composition root can do; nothing of it by default. */
  readonly operations?: Operations | undefined
}

export async function createBackend(options: BackendOptions): Promise<Backend> {
  await loadParser()
  const { engine, volume, clock, prng } = options
  const catalogs = await Cluster.open({ volume, engine, functions: builtinFunctions() })
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
  return new EngineBackend(shared)
}

class EngineBackend implements Backend {
  readonly #shared: SharedBackend
  readonly #sessions = new Set<ServerSession>()
  #isClosing = false

  constructor(shared: SharedBackend) {
    this.#shared = shared
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
    const { shared } = this.#shared.catalogs
    const role = shared.roleByName(request.user)
    if (role === undefined) throw fatal('28000', `role "${request.user}" does not exist`)
    const entry = shared.databaseByName(request.database)
    if (entry === undefined) throw fatal('3D000', `database "${request.database}" does not exist`)
    if (!entry.allowConnections) {
      throw fatal('55000', `database "${entry.name}" is not currently accepting connections`)
    }
    const handle = await this.#shared.databases.open(entry)
    this.#checkLimits(handle, entry, role)
    const core = new SessionCore(this.#shared, handle, request, role)
    initialSettings(core, request, entry, role)
    this.#shared.sessions.set(core.processId, core)
    handle.sessions.add(core)
    for (const [name, value] of core.settings.takeUnreported()) request.sink.parameterStatus(name, value)
    const session: ServerSession = new ServerSession(core, () => this.#sessions.delete(session))
    this.#sessions.add(session)
    return session
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
function initialSettings(core: SessionCore, request: StartupRequest, entry: DatabaseEntry, role: Role): void {
  const { settings } = core
  for (const setting of [...entry.settings, ...role.settings]) {
    const at = setting.indexOf('=')
    settings.setInitial(setting.slice(0, at), setting.slice(at + 1), 'server')
  }
  for (const [name, value] of request.parameters) {
    if (name === 'replication' || name === 'options' || name.startsWith('_pq_.')) continue
    settings.setInitial(name, value, 'client')
  }
  for (const name of REPORTED_SETTINGS) settings.touch(name)
}
