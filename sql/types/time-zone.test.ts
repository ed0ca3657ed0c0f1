import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findTimeZone } from './time-zone.ts'
import { HAS_ORACLE, Oracle } from './testing/oracle.ts'
import { seededRandom } from './testing/samples.ts'

/** Seconds since 2000 of an ISO time. */
function seconds(iso: string): number {
  return Date.parse(`${iso}Z`) / 1000 - 946_684_800
}

test('names in any case are zones, with their proper spelling', () => {
  expect(findTimeZone('europe/berlin')?.name).toBe('Europe/Berlin')
  expect(findTimeZone('utc')?.name).toBe('UTC')
  expect(findTimeZone('<+03>-03')?.fixedOffset).toBe(3 * 3600)
  expect(findTimeZone('UTC+3')?.fixedOffset).toBe(-3 * 3600)
  expect(findTimeZone('Europe/Nowhere')).toBeUndefined()
})

test('a wall time in a gap counts before the change, a doubled one after it', () => {
  const berlin = findTimeZone('Europe/Berlin')
  expect(berlin?.resolveLocal(seconds('2024-03-31T01:59:59'))).toBe(3600)
  expect(berlin?.resolveLocal(seconds('2024-03-31T02:30:00'))).toBe(3600)
  expect(berlin?.resolveLocal(seconds('2024-03-31T03:00:00'))).toBe(7200)
  expect(berlin?.resolveLocal(seconds('2024-10-27T02:30:00'))).toBe(3600)
  expect(berlin?.resolveLocal(seconds('2024-10-27T01:59:59'))).toBe(7200)
  expect(berlin?.abbreviationAt(seconds('2024-07-01T00:00:00'))).toBe('CEST')
})

const ZONES = [
  ...['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/Sao_Paulo'],
  ...[
    'Africa/Casablanca',
    'Asia/Tehran',
    'Pacific/Apia',
    'America/St_Johns',
    'Antarctica/Troll',
    'Asia/Gaza',
  ],
]

describe.skipIf(!HAS_ORACLE)('against PostgreSQL (BOREALIS_TEST_PG)', () => {
  let oracle: Oracle
  beforeAll(async () => {
    oracle = await Oracle.connect()
  })
  afterAll(() => oracle.close())

  test.each(ZONES)('%s has the same offsets, both ways', async (name) => {
    const random = seededRandom(3)
    const zone = findTimeZone(name)
    const times = Array.from({ length: 1500 }, (_, i) =>
      Math.floor((i < 500 ? random() * 250 - 150 : random() * 55 - 30) * 31_556_952),
    )
    const { rows } = await oracle.client.query<{ utc: number; local: number }>(
      `with t as (select s, n, timestamp '2000-01-01' + s * interval '1 second' as at
         from unnest($2::float8[]) with ordinality u(s, n))
       select extract(epoch from at at time zone 'UTC' at time zone $1 - at)::int as utc,
         extract(epoch from at - (at at time zone $1) at time zone 'UTC')::int as local
       from t order by n`,
      [name, times],
    )
    const ours = times.map((at) => ({ at, utc: zone?.offsetAt(at), local: zone?.resolveLocal(at) }))
    expect(ours).toEqual(rows.map((row, i) => ({ at: times[i], ...row })))
  })
})
