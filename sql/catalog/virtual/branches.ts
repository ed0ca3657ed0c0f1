// borealis.branches and borealis.backtracks: what the entries of databases say, and how far their timelines reach.

import { formatLsn, type Lsn } from '../../../storage/base/ids.ts'
import { Interval } from '../../types/interval.ts'
import type { Catalog, DatabaseEntry, ServerState } from '../catalog.ts'
import { retentionMicros } from '../past.ts'
import type { Fields, RelationSource } from './rows.ts'

/** From 1970-01-01 to 2000-01-01, microseconds. */
const EPOCH_2000_MICROS = 946_684_800_000_000

const timestamp = (wallMicros: number | undefined): number | null =>
  wallMicros === undefined ? null : wallMicros - EPOCH_2000_MICROS

const lsnText = (lsn: Lsn | undefined): string | null => (lsn === undefined ? null : formatLsn(lsn))

function branchRow(catalog: Catalog, server: ServerState, entry: DatabaseEntry): Fields {
  const { branch, past } = entry
  const { base, head } = server.timeline(entry.timeline)
  let historyBytes = 0
  for (const each of past) historyBytes += each.headLsn - server.timeline(each.timeline).base
  return {
    name: entry.name,
    oid: entry.oid,
    parent: branch === undefined ? null : (catalog.shared.database(branch.parentOid)?.name ?? null),
    branch_lsn: lsnText(branch?.lsn),
    branch_time: timestamp(branch?.createdMicros),
    depth: branch?.depth ?? 0,
    expires_at: timestamp(entry.expiresMicros),
    timeline: entry.timeline,
    head_lsn: lsnText(head),
    retention: new Interval(0, 0, retentionMicros(entry)),
    own_bytes: head - base,
    shared_bytes: base,
    history_bytes: historyBytes,
  }
}

export const branches: RelationSource = {
  rows: (catalog, server) =>
    Array.from(catalog.shared.databases(), (entry) => branchRow(catalog, server, entry)),
  lookups: {
    name: (catalog, name, server) => {
      const entry = catalog.shared.databaseByName(name as string)
      return entry === undefined ? [] : [branchRow(catalog, server, entry)]
    },
    oid: (catalog, oid, server) => {
      const entry = catalog.shared.database(oid as number)
      return entry === undefined ? [] : [branchRow(catalog, server, entry)]
    },
  },
}

export const backtracks: RelationSource = {
  rows: function* (catalog) {
    for (const { name, oid, past } of catalog.shared.databases()) {
      for (const each of past) {
        yield {
          name,
          oid,
          time: timestamp(each.untilMicros),
          role: each.byRole,
          target: each.target,
          from_timeline: each.timeline,
          from_lsn: formatLsn(each.headLsn),
          to_timeline: each.targetTimeline,
          to_lsn: formatLsn(each.targetLsn),
        }
      }
    }
  },
}
