import { describe, expect, test } from 'vitest'
import { liftedKinds, liftedText, liftLiterals } from './lift.ts'

/** `text [kinds] values`, or undefined where nothing is lifted. */
function lifted(text: string): string | undefined {
  const result = liftLiterals(text)
  if (result === undefined) return undefined
  const values = result.values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)))
  return `${liftedText(result.key)} [${liftedKinds(result.key)}] ${values.join(' ')}`
}

describe('lifted', () => {
  test.each([
    ['SELECT a FROM t WHERE b = 4711;', 'SELECT a FROM t WHERE b = $1 [i] 4711'],
    ["select a from t where b = 'it''s'", "select a from t where b = $1 [s] 'it's'"],
    ['UPDATE t SET a = a + -5 WHERE b = 3', 'UPDATE t SET a = a + $1 WHERE b = $2 [ii] -5 3'],
    ['select a-1, a - 1, a - -1 from t', 'select a-$1, a - $2, a - $3 from t [iii] 1 1 -1'],
    ['insert into t values (1, 2.5, -3)', "insert into t values ($1, $2, $3) [ini] 1 '2.5' -3"],
    [
      'select 2147483649, -2147483647, 99999999999999999999',
      "select $1, $2, $3 [lin] 2147483649 -2147483647 '99999999999999999999'",
    ],
    ['select .5, 1e10', "select $1, $2 [nn] '.5' '1e10'"],
    ['select a from t where x in (1,2) -- hi', 'select a from t where x in ($1,$2)   [ii] 1 2'],
    [
      "select '1'::int, a::varchar(10) from t where c = 1",
      "select $1::int, a::varchar(10) from t where c = $2 [si] '1' 1",
    ],
    [
      'select a from t where b = 5 order by 1 limit 10',
      'select a from t where b = $1 order by 1 limit $2 [ii] 5 10',
    ],
    ["delete from t where a = 1 and b like 'x%'", "delete from t where a = $1 and b like $2 [is] 1 'x%'"],
    [
      "select a from t where d > date '2020-01-01' and e = 1",
      "select a from t where d > date '2020-01-01' and e = $1 [i] 1",
    ],
    [
      "select a from t where i = '1'::interval hour and b = 1",
      "select a from t where i = '1'::interval hour and b = $1 [i] 1",
    ],
    [
      'insert into t values (1, now()) on conflict (a) do nothing',
      'insert into t values ($1, now()) on conflict (a) do nothing [i] 1',
    ],
    [
      "INSERT INTO t VALUES (1) ON CONFLICT ((a + 2)) WHERE b > 3 DO UPDATE SET c = t.c + 4 WHERE t.d = '5'",
      "INSERT INTO t VALUES ($1) ON CONFLICT ((a + 2)) WHERE b > 3 DO UPDATE SET c = t.c + $2 WHERE t.d = $3 [iis] 1 4 '5'",
    ],
    ['select a1, t2.a3 from t2 where a1=1', 'select a1, t2.a3 from t2 where a1=$1 [i] 1'],
  ])('%s', (text, expected) => {
    expect(lifted(text)).toBe(expected)
  })
})

describe('left alone', () => {
  test.each([
    'select a from t',
    'select a + 1 from t group by a + 1',
    'select distinct a + 1 from t',
    'select 1; select 2',
    "select E'x', 1",
    "select B'1', 1",
    "select U&'x', 1",
    'select $$x$$, 1',
    'select $1, 1',
    "select 'a' 'b'",
    "select 'a\\b', 1",
    'select -1::int',
    'select a @-1',
    'select -(-2147483648)',
    'select -(9223372036854775808)',
    'with x as (select 1) select 2',
    'select 1 union select 2',
    'select cast(1 as varchar(10))',
    'create table t (a int default 5)',
    'values (1)',
    `select ${'1,'.repeat(65)}1`,
  ])('%s', (text) => {
    expect(lifted(text)).toBeUndefined()
  })
})
