// The rows of PostgreSQL 15's pg_type for its built-in types (documentation, section 53.64), one line each.
// Array types are derived from the types they hold, as initdb derives them; composite types of catalogs come
// from the catalog.
//
// oid name length kind category preferred delimiter element array io align storage collation subscript typmod
//   io: what precedes in/out/recv/send in the names of the four functions; '!' behind it: no binary pair.
//   kind: b base, p pseudo, r range, m multirange.  preferred 'y', typmod 'm': yes.

import { must } from '../../storage/base/assert.ts'

/** One row of pg_type, as far as built-in types differ. Column names of pg_type in brackets. */
export interface TypeFacts {
  readonly oid: number
  /** [typname] */
  readonly name: string
  /** [typlen] */
  readonly length: number
  /** [typtype] */
  readonly kind: 'b' | 'c' | 'd' | 'e' | 'p' | 'r' | 'm'
  /** [typcategory] */
  readonly category: string
  /** [typispreferred] */
  readonly isPreferred: boolean
  /** [typdelim] */
  readonly delimiter: string
  /** [typelem] */
  readonly elementOid: number
  /** [typarray] */
  readonly arrayOid: number
  /** [typinput] without its "in"; the other three functions are named alike. */
  readonly ioPrefix: string
  /** [typreceive] and [typsend] exist. */
  readonly hasBinary: boolean
  /** [typalign] */
  readonly align: 'c' | 's' | 'i' | 'd'
  /** [typstorage] */
  readonly storage: 'p' | 'x' | 'm' | 'e'
  /** [typcollation] */
  readonly collationOid: number
  /** [typsubscript], name of the handler or '-'. */
  readonly subscript: string
  /** [typmodin] and [typmodout] without "typmodin" and "typmodout"; '' where the type takes none. */
  readonly typmodPrefix: string
}

const TABLE = `
16   bool                         1  b B y , 0   1000 bool                        c p 0   - -
17   bytea                        -1 b U - , 0   1001 bytea                       i x 0   - -
18   char                         1  b Z - , 0   1002 char                        c p 0   - -
19   name                         64 b S - , 18  1003 name                        c p 950 raw -
20   int8                         8  b N - , 0   1016 int8                        d p 0   - -
21   int2                         2  b N - , 0   1005 int2                        s p 0   - -
22   int2vector                   -1 b A - , 21  1006 int2vector                  i p 0   array -
23   int4                         4  b N - , 0   1007 int4                        i p 0   - -
24   regproc                      4  b N - , 0   1008 regproc                     i p 0   - -
25   text                         -1 b S y , 0   1009 text                        i x 100 - -
26   oid                          4  b N y , 0   1028 oid                         i p 0   - -
27   tid                          6  b U - , 0   1010 tid                         s p 0   - -
28   xid                          4  b U - , 0   1011 xid                         i p 0   - -
29   cid                          4  b U - , 0   1012 cid                         i p 0   - -
30   oidvector                    -1 b A - , 26  1013 oidvector                   i p 0   array -
32   pg_ddl_command               8  p P - , 0   0    pg_ddl_command_             d p 0   - -
114  json                         -1 b U - , 0   199  json_                       i x 0   - -
142  xml                          -1 b U - , 0   143  xml_                        i x 0   - -
194  pg_node_tree                 -1 b Z - , 0   0    pg_node_tree_               i x 100 - -
269  table_am_handler             4  p P - , 0   0    table_am_handler_!          i p 0   - -
325  index_am_handler             4  p P - , 0   0    index_am_handler_!          i p 0   - -
600  point                        16 b G - , 701 1017 point_                      d p 0   raw -
601  lseg                         32 b G - , 600 1018 lseg_                       d p 0   raw -
602  path                         -1 b G - , 0   1019 path_                       d x 0   - -
603  box                          32 b G - ; 600 1020 box_                        d p 0   raw -
604  polygon                      -1 b G - , 0   1027 poly_                       d x 0   - -
628  line                         24 b G - , 701 629  line_                       d p 0   raw -
650  cidr                         -1 b I - , 0   651  cidr_                       i m 0   - -
700  float4                       4  b N - , 0   1021 float4                      i p 0   - -
701  float8                       8  b N y , 0   1022 float8                      d p 0   - -
705  unknown                      -2 p X - , 0   0    unknown                     c p 0   - -
718  circle                       24 b G - , 0   719  circle_                     d p 0   - -
774  macaddr8                     8  b U - , 0   775  macaddr8_                   i p 0   - -
790  money                        8  b N - , 0   791  cash_                       d p 0   - -
829  macaddr                      6  b U - , 0   1040 macaddr_                    i p 0   - -
869  inet                         -1 b I y , 0   1041 inet_                       i m 0   - -
1033 aclitem                      12 b U - , 0   1034 aclitem!                    i p 0   - -
1042 bpchar                       -1 b S - , 0   1014 bpchar                      i x 100 - m
1043 varchar                      -1 b S - , 0   1015 varchar                     i x 100 - m
1082 date                         4  b D - , 0   1182 date_                       i p 0   - -
1083 time                         8  b D - , 0   1183 time_                       d p 0   - m
1114 timestamp                    8  b D - , 0   1115 timestamp_                  d p 0   - m
1184 timestamptz                  8  b D y , 0   1185 timestamptz_                d p 0   - m
1186 interval                     16 b T y , 0   1187 interval_                   d p 0   - m
1266 timetz                       12 b D - , 0   1270 timetz_                     d p 0   - m
1560 bit                          -1 b V - , 0   1561 bit_                        i x 0   - m
1562 varbit                       -1 b V y , 0   1563 varbit_                     i x 0   - m
1700 numeric                      -1 b N - , 0   1231 numeric_                    i m 0   - m
1790 refcursor                    -1 b U - , 0   2201 text                        i x 0   - -
2202 regprocedure                 4  b N - , 0   2207 regprocedure                i p 0   - -
2203 regoper                      4  b N - , 0   2208 regoper                     i p 0   - -
2204 regoperator                  4  b N - , 0   2209 regoperator                 i p 0   - -
2205 regclass                     4  b N - , 0   2210 regclass                    i p 0   - -
2206 regtype                      4  b N - , 0   2211 regtype                     i p 0   - -
2249 record                       -1 p P - , 0   2287 record_                     d x 0   - -
2275 cstring                      -2 p P - , 0   1263 cstring_                    c p 0   - -
2276 any                          4  p P - , 0   0    any_!                       i p 0   - -
2277 anyarray                     -1 p P - , 0   0    anyarray_                   d x 0   - -
2278 void                         4  p P - , 0   0    void_                       i p 0   - -
2279 trigger                      4  p P - , 0   0    trigger_!                   i p 0   - -
2280 language_handler             4  p P - , 0   0    language_handler_!          i p 0   - -
2281 internal                     8  p P - , 0   0    internal_!                  d p 0   - -
2283 anyelement                   4  p P - , 0   0    anyelement_!                i p 0   - -
2776 anynonarray                  4  p P - , 0   0    anynonarray_!               i p 0   - -
2950 uuid                         16 b U - , 0   2951 uuid_                       c p 0   - -
2970 txid_snapshot                -1 b U - , 0   2949 txid_snapshot_              d x 0   - -
3115 fdw_handler                  4  p P - , 0   0    fdw_handler_!               i p 0   - -
3220 pg_lsn                       8  b U - , 0   3221 pg_lsn_                     d p 0   - -
3310 tsm_handler                  4  p P - , 0   0    tsm_handler_!               i p 0   - -
3361 pg_ndistinct                 -1 b Z - , 0   0    pg_ndistinct_               i x 100 - -
3402 pg_dependencies              -1 b Z - , 0   0    pg_dependencies_            i x 100 - -
3500 anyenum                      4  p P - , 0   0    anyenum_!                   i p 0   - -
3614 tsvector                     -1 b U - , 0   3643 tsvector                    i x 0   - -
3615 tsquery                      -1 b U - , 0   3645 tsquery                     i p 0   - -
3642 gtsvector                    -1 b U - , 0   3644 gtsvector!                  i p 0   - -
3734 regconfig                    4  b N - , 0   3735 regconfig                   i p 0   - -
3769 regdictionary                4  b N - , 0   3770 regdictionary               i p 0   - -
3802 jsonb                        -1 b U - , 0   3807 jsonb_                      i x 0   jsonb -
3831 anyrange                     -1 p P - , 0   0    anyrange_!                  d x 0   - -
3838 event_trigger                4  p P - , 0   0    event_trigger_!             i p 0   - -
3904 int4range                    -1 r R - , 0   3905 range_                      i x 0   - -
3906 numrange                     -1 r R - , 0   3907 range_                      i x 0   - -
3908 tsrange                      -1 r R - , 0   3909 range_                      d x 0   - -
3910 tstzrange                    -1 r R - , 0   3911 range_                      d x 0   - -
3912 daterange                    -1 r R - , 0   3913 range_                      i x 0   - -
3926 int8range                    -1 r R - , 0   3927 range_                      d x 0   - -
4072 jsonpath                     -1 b U - , 0   4073 jsonpath_                   i x 0   - -
4089 regnamespace                 4  b N - , 0   4090 regnamespace                i p 0   - -
4096 regrole                      4  b N - , 0   4097 regrole                     i p 0   - -
4191 regcollation                 4  b N - , 0   4192 regcollation                i p 0   - -
4451 int4multirange               -1 m R - , 0   6150 multirange_                 i x 0   - -
4532 nummultirange                -1 m R - , 0   6151 multirange_                 i x 0   - -
4533 tsmultirange                 -1 m R - , 0   6152 multirange_                 d x 0   - -
4534 tstzmultirange               -1 m R - , 0   6153 multirange_                 d x 0   - -
4535 datemultirange               -1 m R - , 0   6155 multirange_                 i x 0   - -
4536 int8multirange               -1 m R - , 0   6157 multirange_                 d x 0   - -
4537 anymultirange                -1 p P - , 0   0    anymultirange_!             d x 0   - -
4538 anycompatiblemultirange      -1 p P - , 0   0    anycompatiblemultirange_!   d x 0   - -
4600 pg_brin_bloom_summary        -1 b Z - , 0   0    brin_bloom_summary_         i x 100 - -
4601 pg_brin_minmax_multi_summary -1 b Z - , 0   0    brin_minmax_multi_summary_  i x 100 - -
5017 pg_mcv_list                  -1 b Z - , 0   0    pg_mcv_list_                i x 100 - -
5038 pg_snapshot                  -1 b U - , 0   5039 pg_snapshot_                d x 0   - -
5069 xid8                         8  b U - , 0   271  xid8                        d p 0   - -
5077 anycompatible                4  p P - , 0   0    anycompatible_!             i p 0   - -
5078 anycompatiblearray           -1 p P - , 0   0    anycompatiblearray_         d x 0   - -
5079 anycompatiblenonarray        4  p P - , 0   0    anycompatiblenonarray_!     i p 0   - -
5080 anycompatiblerange           -1 p P - , 0   0    anycompatiblerange_!        d x 0   - -
`

const SUBSCRIPT_HANDLERS: Readonly<Record<string, string>> = {
  raw: 'raw_array_subscript_handler',
  array: 'array_subscript_handler',
  jsonb: 'jsonb_subscript_handler',
}

function parseLine(line: string): TypeFacts {
  const words = line.split(/ +/)
  const word = (index: number): string => must(words[index], 'a fact has fifteen words')
  const io = word(9)
  return {
    oid: Number(word(0)),
    name: word(1),
    length: Number(word(2)),
    kind: word(3) as TypeFacts['kind'],
    category: word(4),
    isPreferred: word(5) === 'y',
    delimiter: word(6),
    elementOid: Number(word(7)),
    arrayOid: Number(word(8)),
    ioPrefix: io.replace('!', ''),
    hasBinary: !io.endsWith('!'),
    align: word(10) as TypeFacts['align'],
    storage: word(11) as TypeFacts['storage'],
    collationOid: Number(word(12)),
    subscript: SUBSCRIPT_HANDLERS[word(13)] ?? '-',
    typmodPrefix: word(14) === 'm' ? word(1) : '',
  }
}

/** The array type over `element`, as pg_type describes it. */
export function arrayFacts(element: TypeFacts, arrayOid: number = element.arrayOid): TypeFacts {
  return {
    oid: arrayOid,
    name: `_${element.name}`,
    length: -1,
    kind: element.kind === 'p' && element.name === 'record' ? 'p' : 'b',
    category: element.name === 'record' ? 'P' : 'A',
    isPreferred: false,
    delimiter: element.delimiter,
    elementOid: element.oid,
    arrayOid: 0,
    ioPrefix: 'array_',
    hasBinary: true,
    align: element.align === 'd' ? 'd' : 'i',
    storage: 'x',
    collationOid: element.collationOid,
    subscript: 'array_subscript_handler',
    typmodPrefix: element.typmodPrefix,
  }
}

/** Facts of every built-in type, arrays included, by ascending oid. */
export const TYPE_FACTS: readonly TypeFacts[] = TABLE.trim()
  .split('\n')
  .map(parseLine)
  .flatMap((facts) => (facts.arrayOid === 0 ? [facts] : [facts, arrayFacts(facts)]))
  .toSorted((a, b) => a.oid - b.oid)
