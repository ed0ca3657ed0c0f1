// The messages of message.ts as bytes: which fields each of them has, in which order. frame.ts puts a frame around
// them; field.ts says what a field looks like. A field that is added, dropped or moved is a new PROTOCOL_VERSION: nodes
// of two versions do not talk to each other.
//
//   request   variants: id, volumeEpoch, membershipEpoch, then the fields of its kind
//   answer    variants: id, then the fields of its kind
//
// The compiler holds the tables below against the types: each kind and each field must be there.

import type { Epoch, GroupNo, Lsn, PageNo, TimelineId } from '../base/ids.ts'
import type { CommitOrigin } from '../log/record.ts'
import {
  bytes,
  choice,
  count,
  type Field,
  FieldReader,
  FieldWriter,
  flag,
  list,
  malformed,
  optional,
  real,
  record,
  text,
  variants,
} from './field.ts'
import type {
  Configuration,
  Member,
  ProtectionGroup,
  QuorumSizes,
  SegmentKind,
  Slot,
} from './configuration.ts'
import { encodeFrame, type Frame } from './frame.ts'
import { BIRTH_SIZE_BYTES, type PackedBirths } from './packed-births.ts'
import type {
  AnnulledRange,
  CommitRecord,
  FailureKind,
  Fault,
  IdRange,
  ImageCopy,
  NodeMessage,
  NodeState,
  NodeStatistics,
  SegmentKey,
  SegmentState,
  TimelineBirth,
  TimelineSize,
  TimelineState,
  VolumeMessage,
} from './message.ts'

const lsn: Field<Lsn> = count<Lsn>()
const page: Field<PageNo> = count<PageNo>()
const epoch: Field<Epoch> = count<Epoch>()
const group: Field<GroupNo> = count<GroupNo>()
const timeline: Field<TimelineId> = count<TimelineId>()
const id: Field<number> = count()
const optionalText: Field<string | undefined> = optional(text)

const segmentKind: Field<SegmentKind> = choice<SegmentKind>({ full: 1, tail: 2 })

const member: Field<Member> = record<Member>({
  node: count(),
  zone: text,
  address: optionalText,
  kind: segmentKind,
})

const configuration: Field<Configuration> = record<Configuration>({
  clusterId: text,
  membershipEpoch: epoch,
  geometryEpoch: epoch,
  segmentSizeBytes: count(),
  quorum: record<QuorumSizes>({
    nodeCount: count(),
    writeCount: count(),
    readCount: count(),
    fullWriteCount: count(),
  }),
  zonesAway: list(text),
  groups: list(
    record<ProtectionGroup>({ group, slots: list(record<Slot>({ member, candidate: optional(member) })) }),
  ),
  spares: list(member),
})

const range: Field<AnnulledRange> = record<AnnulledRange>({ above: lsn, upTo: lsn })

const idRange: Field<IdRange> = record<IdRange>({ from: timeline, to: timeline })

const birth: Field<TimelineBirth> = record<TimelineBirth>({
  id: timeline,
  parent: optional(record<{ timeline: TimelineId; lsn: Lsn }>({ timeline, lsn })),
  createdMicros: count(),
})

const fault: Field<Fault> = variants<Fault>({
  crash: [1, record({})],
  'disk-failure': [2, record({ probability: real, durationMs: real })],
  'disk-congestion': [3, record({ probability: real, delayMsMin: real, delayMsMax: real, durationMs: real })],
})

const base = { id, volumeEpoch: epoch, membershipEpoch: epoch }
const bare = record(base)

const requests: Field<VolumeMessage> = variants<VolumeMessage>({
  query: [1, bare],
  fence: [2, record({ ...base, clusterId: text, writer: text })],
  configure: [3, record({ ...base, configuration })],
  truncate: [
    4,
    record({
      ...base,
      annulled: list(
        record<{ timeline: TimelineId; ranges: readonly AnnulledRange[] }>({ timeline, ranges: list(range) }),
      ),
    }),
  ],
  append: [5, record({ ...base, batches: list(bytes) })],
  'read-page': [6, record({ ...base, timeline, page, lsn })],
  'create-timelines': [7, record({ ...base, births: list(birth) })],
  'drop-timeline': [8, record({ ...base, timeline })],
  'open-segment': [9, record({ ...base, timeline, group, after: lsn })],
  'fetch-log': [10, record({ ...base, timeline, group, after: lsn, sizeMax: count() })],
  'fetch-images': [
    11,
    record({
      ...base,
      timeline,
      group,
      after: optional(record<{ page: PageNo; lsn: Lsn }>({ page, lsn })),
      sizeMax: count(),
    }),
  ],
  gossip: [12, record({ ...base, since: count(), known: count() })],
  repair: [13, record({ ...base, batch: bytes })],
  'read-floors': [
    14,
    record({
      ...base,
      floors: list(record<{ timeline: TimelineId; lsn: Lsn }>({ timeline, lsn })),
      ended: list(idRange),
    }),
  ],
  'find-time': [15, record({ ...base, timeline, wallMicros: count(), below: lsn })],
  'time-of': [16, record({ ...base, timeline, lsn })],
  sizes: [17, record({ ...base, timelines: list(timeline) })],
  statistics: [18, bare],
  inject: [19, record({ ...base, fault })],
  'shut-down': [20, bare],
  'changed-pages': [21, record({ ...base, timeline, above: lsn, upTo: lsn })],
  'find-commit': [22, record({ ...base, timeline, lsn })],
  'settle-timelines': [23, record({ ...base, dead: list(idRange), revived: list(timeline) })],
})

const segment: Field<SegmentState> = record<SegmentState>({
  timeline,
  group,
  scl: lsn,
  consistent: lsn,
  end: lsn,
  logAfter: lsn,
  birth: lsn,
})

const timelineState: Field<TimelineState> = record<TimelineState>({
  birth,
  dropped: flag,
  annulled: list(range),
})

/** Numbers as they lie in memory, little-endian. */
const births: Field<PackedBirths> = {
  write: (to, value) => bytes.write(to, Buffer.from(value.buffer, value.byteOffset, value.byteLength)),
  read(from) {
    const read = bytes.read(from)
    if (read.length % BIRTH_SIZE_BYTES !== 0) throw malformed('births have 32 bytes each')
    const packed = new Float64Array(Uint8Array.from(read).buffer)
    if (!packed.every((value) => Number.isSafeInteger(value) && value >= 0))
      throw malformed('births are made of non-negative safe integers')
    return packed
  },
}

const state: Field<NodeState> = record<NodeState>({
  protocol: count(),
  clusterId: text,
  volumeEpoch: epoch,
  membershipEpoch: epoch,
  configuration: optional(configuration),
  born: births,
  timelines: list(timelineState),
  dead: list(idRange),
  segments: list(segment),
  damage: optionalText,
})

const statistics: Field<NodeStatistics> = record<NodeStatistics>({
  batches: count(),
  diskBytes: count(),
  images: count(),
  gaps: count(),
  longChains: count(),
  pagesRead: count(),
  recordsApplied: count(),
  batchesRead: count(),
  batchesGossiped: count(),
  bytesGossiped: count(),
  batchesCollected: count(),
  imagesCollected: count(),
  imagesRepaired: count(),
  lastScrubMicros: count(),
  fsyncs: count(),
  groups: list(
    record<NodeStatistics['groups'][number]>({
      group,
      kind: segmentKind,
      timelines: count(),
      pages: count(),
      bytes: count(),
      gaps: count(),
      scl: lsn,
    }),
  ),
})

const size: Field<TimelineSize> = record<TimelineSize>({
  timeline,
  logBytes: count(),
  imageBytes: count(),
  historyBytes: count(),
})

const failure: Field<FailureKind> = choice<FailureKind>({
  behind: 1,
  corrupt: 2,
  'disk-full': 3,
  io: 4,
  fenced: 5,
  refused: 6,
  'no-quorum': 7,
  locked: 8,
  'not-writable': 9,
  version: 10,
  'out-of-window': 11,
  deadlock: 12,
  'lock-not-available': 13,
  'too-large': 14,
  cancelled: 15,
  closed: 16,
  'read-only': 17,
  unsuitable: 18,
})

/** Page numbers as they lie in memory, little-endian. */
const pages: Field<Uint32Array<ArrayBuffer>> = {
  write: (to, value) => bytes.write(to, Buffer.from(value.buffer, value.byteOffset, value.byteLength)),
  read(from) {
    const read = bytes.read(from)
    if (read.length % 4 !== 0) throw malformed('page numbers have four bytes each')
    return new Uint32Array(Uint8Array.from(read).buffer)
  },
}

const commit: Field<CommitRecord> = record<CommitRecord>({
  lsn,
  wallMicros: count(),
  transactionId: count(),
  origin: record<CommitOrigin>({ processId: count(), roleOid: count() }),
})

const answers: Field<NodeMessage> = variants<NodeMessage>({
  state: [1, record({ id, state })],
  appended: [
    2,
    record({
      id,
      segments: list(
        record<{ timeline: TimelineId; group: GroupNo; scl: Lsn }>({ timeline, group, scl: lsn }),
      ),
    }),
  ],
  page: [3, record({ id, image: bytes })],
  log: [4, record({ id, batches: list(bytes), scl: lsn })],
  images: [5, record({ id, images: list(record<ImageCopy>({ page, lsn, bytes })), complete: flag })],
  gossip: [
    6,
    record({
      id,
      volumeEpoch: epoch,
      membershipEpoch: epoch,
      sequence: count(),
      born: births,
      timelines: list(timelineState),
      segments: list(segment),
    }),
  ],
  time: [7, record({ id, lsn, wallMicros: count() })],
  sizes: [8, record({ id, sizes: list(size) })],
  statistics: [9, record({ id, statistics })],
  done: [10, record({ id })],
  'changed-pages': [12, record({ id, pages, upTo: lsn })],
  commit: [13, record({ id, commit: optional(commit) })],
  failed: [
    11,
    record({
      id,
      failure,
      message: text,
      detail: optionalText,
      damaged: optional(record<SegmentKey & { readonly lsn: Lsn }>({ timeline, group, lsn })),
      fatal: flag,
    }),
  ],
})

const writer = new FieldWriter()

/** A request as the pieces of a frame; the larger byte strings are not copied, so they must not change until sent. */
export function encodeRequest(message: VolumeMessage): Buffer[] {
  writer.reset()
  requests.write(writer, message)
  return frameOf('request')
}

/** An answer as the pieces of a frame; as encodeRequest. */
export function encodeAnswer(message: NodeMessage): Buffer[] {
  writer.reset()
  answers.write(writer, message)
  return frameOf('answer')
}

function frameOf(kind: 'request' | 'answer'): Buffer[] {
  const { head, tail } = writer
  return encodeFrame(kind, head.bytes.subarray(0, head.length), tail)
}

/** The request in a frame. Its byte strings are ranges of the frame's. Throws StorageError 'corrupt'. */
export function decodeRequest(frame: Frame): VolumeMessage {
  return decode(frame, 'request', requests)
}

/** The answer in a frame; as decodeRequest. */
export function decodeAnswer(frame: Frame): NodeMessage {
  return decode(frame, 'answer', answers)
}

function decode<T>(frame: Frame, kind: 'request' | 'answer', field: Field<T>): T {
  if (frame.kind !== kind) throw malformed(`it is a ${frame.kind} where a ${kind} belongs`)
  const reader = new FieldReader(frame.head, frame.tail)
  const message = field.read(reader)
  reader.finish()
  return message
}
