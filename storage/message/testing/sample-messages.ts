// One message of every kind, for tests of what carries messages.

import type { Epoch, GroupNo, Lsn, PageNo, TimelineId } from '../../base/ids.ts'
import type { Configuration, Member } from '../configuration.ts'
import type { NodeMessage, SegmentState, TimelineState, VolumeMessage } from '../message.ts'
import { packBirths } from '../packed-births.ts'

const base = { id: 7, volumeEpoch: 3 as Epoch, membershipEpoch: 300 as Epoch }
const timeline = 5 as TimelineId
const group = 2 as GroupNo
const lsn = 0x1f_ffff_ffff_fff8 as Lsn
const page = 0xffff_ffff as PageNo
const small = Buffer.from('a batch')
const large = Buffer.alloc(33_000, 0x5a)

const member: Member = { node: 4, zone: 'az1', address: '127.0.0.1:7001', kind: 'full' }

const configuration: Configuration = {
  clusterId: 'café',
  membershipEpoch: 300 as Epoch,
  geometryEpoch: 1 as Epoch,
  segmentSizeBytes: 10 * 2 ** 30,
  quorum: { nodeCount: 6, writeCount: 4, readCount: 3, fullWriteCount: 3 },
  zonesAway: ['az3'],
  groups: [
    {
      group,
      slots: [
        { member, candidate: undefined },
        { member: { ...member, address: undefined }, candidate: { ...member, kind: 'tail' } },
      ],
    },
  ],
  spares: [member],
}

const timelineState: TimelineState = {
  birth: { id: timeline, parent: { timeline, lsn }, createdMicros: 1_700_000_000_000_000 },
  dropped: true,
  annulled: [{ above: 8 as Lsn, upTo: 4096 as Lsn }],
}
const position = { scl: lsn, consistent: lsn, end: lsn }
const segment: SegmentState = { timeline, group, ...position, logAfter: 8 as Lsn, birth: 0 as Lsn }

export const SAMPLE_REQUESTS: readonly VolumeMessage[] = [
  { kind: 'query', ...base },
  { kind: 'fence', ...base, clusterId: 'c', writer: 'w' },
  { kind: 'configure', ...base, configuration },
  { kind: 'truncate', ...base, annulled: [{ timeline, ranges: timelineState.annulled }] },
  { kind: 'append', ...base, batches: [small, large, Buffer.alloc(0)] },
  { kind: 'append', ...base, batches: [] },
  { kind: 'read-page', ...base, timeline, page, lsn },
  { kind: 'create-timelines', ...base, births: [{ id: timeline, parent: undefined, createdMicros: 0 }] },
  { kind: 'drop-timeline', ...base, timeline },
  { kind: 'open-segment', ...base, timeline, group, after: lsn },
  { kind: 'fetch-log', ...base, timeline, group, after: lsn, sizeMax: 1 },
  { kind: 'fetch-images', ...base, timeline, group, after: undefined, sizeMax: 1 },
  { kind: 'fetch-images', ...base, timeline, group, after: { page, lsn }, sizeMax: 1 },
  { kind: 'gossip', ...base, since: 0, known: 2 ** 51 },
  { kind: 'repair', ...base, batch: small },
  { kind: 'read-floors', ...base, floors: [{ timeline, lsn }], ended: [{ from: timeline, to: timeline }] },
  { kind: 'find-time', ...base, timeline, wallMicros: 1, below: lsn },
  { kind: 'time-of', ...base, timeline, lsn },
  { kind: 'sizes', ...base, timelines: [timeline] },
  { kind: 'statistics', ...base },
  { kind: 'inject', ...base, fault: { kind: 'crash' } },
  { kind: 'inject', ...base, fault: { kind: 'disk-failure', probability: 0.25, durationMs: 1500.5 } },
  {
    kind: 'inject',
    ...base,
    fault: { kind: 'disk-congestion', probability: 0.5, delayMsMin: 1, delayMsMax: 2, durationMs: 3 },
  },
  { kind: 'shut-down', ...base },
  { kind: 'changed-pages', ...base, timeline, above: 8 as Lsn, upTo: lsn },
  { kind: 'find-commit', ...base, timeline, lsn },
  { kind: 'settle-timelines', ...base, dead: [{ from: timeline, to: timeline }], revived: [timeline] },
]

export const SAMPLE_ANSWERS: readonly NodeMessage[] = [
  {
    kind: 'state',
    id: 1,
    state: {
      protocol: 2,
      clusterId: 'c',
      volumeEpoch: 3 as Epoch,
      membershipEpoch: 4 as Epoch,
      configuration,
      born: packBirths([timelineState.birth, { id: timeline, parent: undefined, createdMicros: 2 ** 52 }]),
      timelines: [
        timelineState,
        { ...timelineState, birth: { id: timeline, parent: undefined, createdMicros: 0 } },
      ],
      dead: [{ from: 1 as TimelineId, to: timeline }],
      segments: [segment],
      damage: 'a batch',
    },
  },
  { kind: 'appended', id: 1, segments: [{ timeline, group, scl: lsn }] },
  { kind: 'page', id: 1, image: Buffer.alloc(8192, 3) },
  { kind: 'log', id: 1, batches: [large, large], scl: lsn },
  { kind: 'images', id: 1, images: [{ page, lsn, bytes: small }], complete: false },
  {
    kind: 'gossip',
    id: 1,
    volumeEpoch: 3 as Epoch,
    membershipEpoch: 4 as Epoch,
    sequence: 9,
    born: packBirths([timelineState.birth]),
    timelines: [timelineState],
    segments: [segment],
  },
  { kind: 'time', id: 1, lsn, wallMicros: 2 },
  { kind: 'sizes', id: 1, sizes: [{ timeline, logBytes: 1, imageBytes: 2, historyBytes: 3 }] },
  {
    kind: 'statistics',
    id: 1,
    statistics: {
      batches: 1,
      diskBytes: 2,
      images: 3,
      gaps: 4,
      longChains: 5,
      pagesRead: 6,
      recordsApplied: 7,
      batchesRead: 8,
      batchesGossiped: 9,
      bytesGossiped: 10,
      batchesCollected: 11,
      imagesCollected: 12,
      imagesRepaired: 13,
      lastScrubMicros: 14,
      fsyncs: 15,
      groups: [{ group, kind: 'tail', timelines: 1, pages: 2, bytes: 3, gaps: 4, scl: lsn }],
    },
  },
  { kind: 'done', id: 1 },
  { kind: 'changed-pages', id: 1, pages: Uint32Array.of(0, 5, 0xffff_fffe), upTo: lsn },
  { kind: 'commit', id: 1, commit: undefined },
  {
    kind: 'commit',
    id: 1,
    commit: { lsn, wallMicros: 5, transactionId: 6, origin: { processId: 7, roleOid: 10 } },
  },
  {
    kind: 'failed',
    id: 1,
    failure: 'refused',
    message: 'no',
    detail: undefined,
    damaged: { timeline, group, lsn },
    fatal: true,
  },
  { kind: 'failed', id: 2, failure: 'behind', message: '', detail: 'd', damaged: undefined, fatal: false },
]
