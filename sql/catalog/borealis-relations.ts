// The views of schema borealis: branches and backtracks, storage. Their columns, in the form of system-relation-facts.ts,
// and what is said of them. This is the one place that declares them; their rows are in virtual/.

import type { StoredComments } from './stored-objects.ts'

const BRANCHES_OID = 15001
const BACKTRACKS_OID = 15004
const SEGMENTS_OID = 15300
const VOLUME_OID = 15303

/** name:type:comment of each column. */
interface ViewFacts {
  readonly oid: number
  readonly name: string
  readonly comment: string
  readonly columns: readonly (readonly [name: string, type: number, comment: string])[]
}

const BOOL = 16
const FLOAT8 = 701
const NAME = 19
const INT4 = 23
const INT8 = 20
const OID = 26
const TEXT = 25
const INTERVAL = 1186
const TIMESTAMPTZ = 1184
const PG_LSN = 3220

const VIEWS: readonly ViewFacts[] = [
  {
    oid: BRANCHES_OID,
    name: 'branches',
    comment: 'all databases, with where they branched off and what they hold',
    columns: [
      ['name', NAME, 'name of the database'],
      ['oid', OID, 'its oid'],
      ['parent', NAME, 'the database that was its template; NULL when that is gone or there was none'],
      ['branch_lsn', PG_LSN, 'LSN of the parent that it began with'],
      ['branch_time', TIMESTAMPTZ, 'when it was made'],
      ['depth', INT4, 'how many branches lie between it and a database of the cluster’s beginning'],
      ['expires_at', TIMESTAMPTZ, 'when its TTL ends and it is dropped; NULL: never'],
      ['timeline', INT8, 'the timeline that its name points to'],
      ['head_lsn', PG_LSN, 'LSN of its newest commit'],
      ['retention', INTERVAL, 'how long its history is kept'],
      [
        'own_bytes',
        INT8,
        'bytes on disk, log and pages of one copy, that were written in it and that it reads',
      ],
      [
        'shared_bytes',
        INT8,
        'bytes on disk of its ancestors, as far as from before it branched off, kept once for all their branches',
      ],
      [
        'history_bytes',
        INT8,
        'bytes on disk of older versions and of what backtracks left, kept for the retention',
      ],
    ],
  },
  {
    oid: BACKTRACKS_OID,
    name: 'backtracks',
    comment: 'backtracks of all databases that the retention still remembers, and can undo',
    columns: [
      ['name', NAME, 'name of the database'],
      ['oid', OID, 'its oid'],
      ['time', TIMESTAMPTZ, 'when it was moved'],
      ['role', NAME, 'by whom'],
      ['target', TEXT, 'the target as it was given'],
      ['from_timeline', INT8, 'the timeline that its name pointed to before'],
      ['from_lsn', PG_LSN, 'LSN of the newest commit there'],
      ['to_timeline', INT8, 'the timeline that the target belongs to'],
      ['to_lsn', PG_LSN, 'LSN of the commit that it went to'],
    ],
  },
  {
    oid: SEGMENTS_OID,
    name: 'segments',
    comment: 'every segment of the volume: a protection group on a storage node',
    columns: [
      ['node', INT4, 'number of the storage node'],
      ['zone', TEXT, 'its availability zone'],
      ['address', TEXT, 'host:port; NULL: inside this process'],
      ['protection_group', INT4, 'number of the protection group, from 0'],
      ['kind', TEXT, 'full: log and pages; tail: log only'],
      ['role', TEXT, 'member, candidate (being filled) or spare'],
      ['alive', BOOL, 'it answered just now'],
      ['scl', PG_LSN, 'highest LSN up to which some timeline’s log is complete here'],
      ['epoch', INT8, 'membership epoch of the configuration that names it'],
      ['gaps', INT8, 'batches that wait for others before them'],
      ['timelines', INT8, 'timelines it holds something of'],
      ['pages', INT8, 'pages that have an image'],
      ['bytes', INT8, 'bytes on its disk'],
      ['last_scrub', TIMESTAMPTZ, 'when its checksums were last verified'],
      ['error', TEXT, 'why it is not alive'],
    ],
  },
  {
    oid: VOLUME_OID,
    name: 'volume',
    comment: 'the log of this database, and what the volume has done since the server started',
    columns: [
      ['vcl', PG_LSN, 'every record up to here met its quorum'],
      ['vdl', PG_LSN, 'highest consistency point at or below it: what is durable'],
      ['pgmrpl', PG_LSN, 'lowest read point that somebody needs'],
      ['tail', PG_LSN, 'LSN of the next record'],
      ['lal_room', INT8, 'bytes of log that may be written before commits wait'],
      ['in_flight', INT8, 'bytes of log that have not met their quorum'],
      ['volume_epoch', INT8, 'raised by each recovery'],
      ['membership_epoch', INT8, 'raised by each change of members'],
      ['geometry_epoch', INT8, 'raised when the volume grows'],
      ['protection_groups', INT4, 'number of protection groups'],
      ['segment_size', INT8, 'bytes of pages of a segment'],
      ['commits', INT8, 'commits that wrote something'],
      ['messages_sent', INT8, 'to storage nodes, all copies counted'],
      ['messages_received', INT8, 'from storage nodes'],
      ['bytes_sent', INT8, 'bytes of log sent, all copies counted'],
      ['batches_sent', INT8, 'batches of log, each sent to every node'],
      ['pages_read', INT8, 'pages read from storage'],
      ['hedged_reads', INT8, 'reads that were asked of a second node'],
      ['messages_per_commit', FLOAT8, 'messages_sent for each commit'],
      ['bytes_per_commit', FLOAT8, 'bytes_sent for each commit'],
      ['ios_per_commit', FLOAT8, 'writes to disks of storage nodes for each commit'],
    ],
  },
]

/** Rows for the facts of system relations. */
export const borealisRelationFacts: string = VIEWS.map(({ oid, name, columns }) =>
  [
    oid,
    'borealis',
    name,
    'v',
    oid + 1,
    oid + 2,
    'false',
    '{postgres=arwdDxt/postgres,=r/postgres}',
    0,
    'n',
    '-',
    columns
      .map(([column, type]) => `${column}:${type}:-1::${type === TEXT ? 100 : type === NAME ? 950 : 0}`)
      .join(' '),
  ].join('|'),
).join('\n')

/** What \d+ shows: stored with the first objects of a cluster. `classOid`: of pg_class. */
export function borealisRelationComments(classOid: number): StoredComments[] {
  return VIEWS.map(({ oid, comment, columns }) => ({
    kind: 'comments',
    oid,
    comments: [comment, ...columns.map(([, , text]) => text)].map((text, subId) => ({
      classOid,
      subId,
      text,
    })),
  }))
}
