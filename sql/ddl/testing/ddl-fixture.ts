// A cluster in memory with a session just big enough to run DDL: what the tests of sql/catalog and sql/ddl share.

import { LSN_ZERO } from '../../../storage/base/ids.ts'
import { must } from '../../../storage/base/assert.ts'
import { testClock } from '../../../storage/base/testing/test-env.ts'
import type { TimelineId } from '../../../storage/base/ids.ts'
import type { Transaction } from '../../../storage/engine/engine.ts'
import { engineOver } from '../../../storage/engine/testing/engine-fixture.ts'
import { MemoryVolume } from '../../../storage/volume/memory-volume.ts'
import type { Catalog, ServerState, SharedCatalog } from '../../catalog/catalog.ts'
import { Cluster, type DatabaseCatalog } from '../../catalog/cluster.ts'
import type { CatalogEditor } from '../../catalog/editor.ts'
import { settled } from '../../catalog/wait.ts'
import type { ExecutionContext } from '../../exec/execution.ts'
import type { FunctionContext } from '../../functions/function.ts'
import { builtinFunctions } from '../../functions/registry.ts'
import { loadParser, parseSql } from '../../parse/parse.ts'
import type { SqlNotice } from '../../types/sql-error.ts'
import { neutralContext } from '../../catalog/created-types.ts'
import type { DdlContext } from '../ddl.ts'
import { executeDdl } from '../execute.ts'

export class DdlSession {
  readonly cluster: Cluster
  readonly database: DatabaseCatalog
  readonly notices: SqlNotice[] = []
  #transaction: Transaction | undefined
  #editor: CatalogEditor | undefined
  #shared: { readonly transaction: Transaction; readonly editor: CatalogEditor } | undefined
  #commandId = 0
  isBlock = false
  roleOid = 10

  constructor(cluster: Cluster, database: DatabaseCatalog) {
    this.cluster = cluster
    this.database = database
  }

  get catalog(): Catalog {
    return this.#editor?.snapshot() ?? this.database.current
  }

  /** Runs one or more statements; commits each unless a block was begun. Returns the tags. */
  async run(text: string): Promise<string[]> {
    const tags: string[] = []
    for (const statement of parseSql(text)) {
      try {
        const { tag } = await executeDdl(statement, this.context())
        if (!this.isBlock) await this.commit()
        tags.push(tag)
      } catch (error) {
        this.rollback()
        throw error
      }
    }
    return tags
  }

  begin(): void {
    this.isBlock = true
  }

  async commit(): Promise<void> {
    if (this.#shared !== undefined) {
      const { transaction, editor } = this.#shared
      await settled(() => transaction.commit())
      editor.publish()
    }
    const transaction = this.#transaction
    const lsn = transaction === undefined ? undefined : await settled(() => transaction.commit())
    this.#editor?.publish()
    this.#forget()
    const { database } = this.database
    if (lsn !== undefined) await new Promise<void>((resolve) => database.onDurable(lsn, () => resolve()))
  }

  rollback(): void {
    this.#transaction?.abort()
    this.#shared?.transaction.abort()
    this.#forget()
  }

  #forget(): void {
    this.#transaction = undefined
    this.#editor = undefined
    this.#shared = undefined
    this.isBlock = false
  }

  transaction(): Transaction {
    return (this.#transaction ??= this.database.database.begin())
  }

  editor(): CatalogEditor {
    return (this.#editor ??= this.database.edit(
      this.transaction(),
      () => ++this.#commandId,
      () => this.sharedCatalog(),
    ))
  }

  sharedEditor(): CatalogEditor {
    if (this.#shared === undefined) {
      const transaction = this.cluster.store.database.begin()
      const editor = this.cluster.edit(transaction, () => ++this.#commandId, this.database)
      this.#shared = { transaction, editor }
    }
    return this.#shared.editor
  }

  sharedCatalog(): SharedCatalog {
    return this.#shared?.editor.snapshot().shared ?? this.cluster.shared
  }

  context(): DdlContext {
    return {
      cluster: this.cluster,
      databases: {
        closeSessions: async () => undefined,
        prepare: async () => undefined,
        answerAfter: () => undefined,
      },
      database: this.database,
      editor: () => this.editor(),
      sharedEditor: () => this.sharedEditor(),
      sharedCatalog: () => this.sharedCatalog(),
      roleOid: this.roleOid,
      sessionRoleOid: this.roleOid,
      isTransactionBlock: this.isBlock,
      functions: this.functions(),
      parameters: [],
      execution: () => this.execution(),
      notice: (notice) => void this.notices.push(notice),
      checkpoint: () => undefined,
      locked: settled,
    }
  }

  functions(): FunctionContext {
    const typeOf = (oid: number): NonNullable<ReturnType<Catalog['type']>> => must(this.catalog.type(oid))
    return {
      ...neutralContext(typeOf),
      getSetting: () => null,
      setSetting: (_name, value) => value ?? '',
      currentUser: 'postgres',
      sessionUser: 'postgres',
      currentDatabase: this.database.current.databaseName,
      processId: 1,
      searchPath: (implicit) => (implicit ? ['pg_temp_1', 'pg_catalog', 'public'] : ['public']),
      statementMicros: () => 0,
      clockMicros: () => 0,
      random: () => 0.5,
      services: {} as FunctionContext['services'],
    }
  }

  execution(): ExecutionContext {
    const commandId = ++this.#commandId
    const { database } = this.database
    const view = database.view()
    const transaction = this.transaction()
    view.transaction = transaction
    view.commandId = commandId
    return {
      catalog: this.catalog,
      server: emptyServer(database.timeline),
      functions: this.functions(),
      parameters: [],
      view,
      transaction,
      isolation: 'read committed',
      commandId,
      checkpoint: () => undefined,
      notice: (notice) => void this.notices.push(notice),
      nextCommandId: () => ++this.#commandId,
      workMemBytes: 4_194_304,
      deferCheck: () => undefined,
    }
  }
}

export function emptyServer(timeline: TimelineId): ServerState {
  return {
    timeLineOfDatabase: timeline,
    timeline: () => ({ parent: undefined, base: LSN_ZERO, head: LSN_ZERO }),
    timelineSizes: () => [],
    sessions: () => [],
    settings: () => [],
    preparedStatements: () => [],
    cursors: () => [],
    sequenceRow: () => [],
    locks: () => [],
    segments: () => [],
    volume: () => ({
      ...new MemoryVolume({ clock: testClock }).status(),
      vcl: LSN_ZERO,
      vdl: LSN_ZERO,
      pgmrpl: LSN_ZERO,
      tail: LSN_ZERO,
      lalRoomBytes: 0,
      volumeEpoch: 1,
      groupCount: 1,
      segmentSizeBytes: 8192,
      commits: 0,
    }),
    estimate: () => ({ tuples: 0, pages: 0 }),
  }
}

export interface TestCluster {
  readonly volume: MemoryVolume
  readonly cluster: Cluster
  session(database?: string): Promise<DdlSession>
}

export interface TestClusterOptions {
  /** An existing volume: what is in it is opened. */
  readonly volume?: MemoryVolume | undefined
  /** Every page access suspends once. */
  readonly chaos?: boolean | undefined
}

/** A cluster in memory. */
export async function openTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  await loadParser()
  const volume = options.volume ?? new MemoryVolume({ clock: testClock })
  const engine = engineOver(volume, { chaos: options.chaos })
  const cluster = await Cluster.open({ volume, engine, functions: builtinFunctions() })
  return {
    volume,
    cluster,
    session: async (database = 'postgres') => {
      const entry = must(cluster.shared.databaseByName(database))
      return new DdlSession(cluster, await cluster.database(entry))
    },
  }
}
