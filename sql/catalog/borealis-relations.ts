// The views of schema borealis that show branches and backtracks: their columns, in the form of system-relation-facts.ts,
// and what is said of them.

import type { StoredComments } from './stored-objects.ts'

const BRANCHES_OID = 15001
const BACKTRACKS_OID = 15004

/** name:type:comment of each column. */
interface ViewFacts {
  readonly oid: number
  readonly name: string
  readonly comment: string
  readonly columns: readonly (readonly [name: string, type: number, comment: string])[]
}

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
      ['own_bytes', INT8, 'bytes of log written on its timeline; pages made from them are not counted'],
      [
        'shared_bytes',
        INT8,
        'bytes of log of its ancestors up to where it branched off, kept once for all their branches',
      ],
      ['history_bytes', INT8, 'bytes of log on the timelines that backtracks left, kept for the retention'],
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
