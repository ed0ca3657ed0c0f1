// borealis.segments and borealis.volume: the state of storage.

import { formatLsn } from '../../../storage/base/ids.ts'
import type { RelationSource } from './rows.ts'

const EPOCH_2000_MICROS = 946_684_800_000_000

/** Asks the nodes: may suspend. */
export const segments: RelationSource = {
  rows: (_catalog, server) =>
    server.segments().map((segment) => ({
      node: segment.node,
      zone: segment.zone,
      address: segment.address ?? null,
      protection_group: segment.group,
      kind: segment.kind,
      role: segment.role,
      alive: segment.alive,
      scl: segment.alive ? formatLsn(segment.scl) : null,
      epoch: segment.role === 'spare' ? null : server.volume().membershipEpoch,
      gaps: segment.gaps,
      timelines: segment.timelines,
      pages: segment.pages,
      bytes: segment.bytes,
      last_scrub: segment.lastScrubMicros === 0 ? null : segment.lastScrubMicros - EPOCH_2000_MICROS,
      error: segment.error ?? null,
    })),
}

export const volume: RelationSource = {
  rows: (_catalog, server) => {
    const state = server.volume()
    const perCommit = (count: number): number | null => (state.commits === 0 ? null : count / state.commits)
    return [
      {
        vcl: formatLsn(state.vcl),
        vdl: formatLsn(state.vdl),
        pgmrpl: formatLsn(state.pgmrpl),
        tail: formatLsn(state.tail),
        lal_room: state.lalRoomBytes,
        in_flight: state.tail - state.vcl,
        volume_epoch: state.volumeEpoch,
        membership_epoch: state.membershipEpoch,
        geometry_epoch: state.geometryEpoch,
        protection_groups: state.groupCount,
        segment_size: state.segmentSizeBytes,
        commits: state.commits,
        messages_sent: state.messagesSent,
        messages_received: state.messagesReceived,
        bytes_sent: state.bytesSent,
        batches_sent: state.batchesSent,
        pages_read: state.pagesRead,
        hedged_reads: state.hedgedReads,
        messages_per_commit: perCommit(state.messagesSent),
        bytes_per_commit: perCommit(state.bytesSent),
        ios_per_commit: perCommit(state.appendsSent),
      },
    ]
  },
}
