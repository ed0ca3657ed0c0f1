// borealis.branches and borealis.backtracks: what the entries of databases say, and how far their timelines reach.

import { formatLsn, type Lsn } from '../../../storage/base/ids.ts'
import { Interval } from '../../types/interval.ts'
import { type BranchSizes, branchSizes } from '../branch-sizes.ts'
import type { Catalog, DatabaseEntry, ServerState } from '../catalog.ts'
import { retentionMicros } from '../past.ts'
import type { Fields, RelationSource } from './rows.ts'

/** From 1970-01-01 to 2000-01-01, microseconds. */
const EPOCH_2000_MICROS = 946_684_800_000_000

const timestamp = (wallMicros: number | undefined): number | null =>
  wallMicros === undefined ? null : wallMicros - EPOCH_2000_MICROS

const lsnText = (lsn: Lsn | undefined): string | null => (lsn === undefined ? null : formatLsn(lsn))

function branchRows(catalog: Catalog, server: ServerState, entries: readonly DatabaseEntry[]): Fields[] {
  const sizesOf = branchSizes(server, entries)
  return entries.map((entry) => branchRow(catalog, server, entry, sizesOf(entry)))
}

function branchRow(
  catalog: Catalog,
  server: ServerState,
  entry: DatabaseEntry,
  sizes: BranchSizes | undefined,
): Fields {
  const { branch } = entry
  const { head } = server.timeline(entry.timeline)
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
    own_bytes: sizes?.own ?? null,
    shared_bytes: sizes?.shared ?? null,
    history_bytes: sizes?.history ?? null,
  }
}

export const branches: RelationSource = {
  rows: (catalog, server) => branchRows(catalog, server, [...catalog.shared.databases()]),
  lookups: {
    name: (catalog, name, server) => {
      const entry = catalog.shared.databaseByName(name as string)
      return entry === undefined ? [] : branchRows(catalog, server, [entry])
    },
    oid: (catalog, oid, server) => {
      const entry = catalog.shared.database(oid as number)
      return entry === undefined ? [] : branchRows(catalog, server, [entry])
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
