import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as oids from './oids.ts'
import { builtinType, builtinTypeByName, builtinTypes } from './registry.ts'
import { testContext } from './testing/context.ts'
import { HAS_ORACLE, Oracle } from './testing/oracle.ts'
import { TYPE_FACTS } from './type-facts.ts'

test('types resolve by oid and by name, arrays and elements name each other', () => {
  expect(builtinTypes().length).toBe(TYPE_FACTS.length)
  for (const type of builtinTypes()) {
    expect(builtinType(type.oid)).toBe(type)
    expect(builtinTypeByName(type.name)).toBe(type)
    if (type.arrayOid === 0) continue
    const array = builtinType(type.arrayOid)
    expect(array).toMatchObject({ name: `_${type.name}`, elementOid: type.oid, delimiter: type.delimiter })
  }
})

test('there is a constant for every type, and it is the type’s oid', () => {
  const constants = new Map<string, number>(Object.entries(oids))
  for (const { oid, name } of builtinTypes()) {
    const constant = name.startsWith('_') ? `${name.slice(1)}_ARRAY_OID` : `${name}_OID`
    expect([name, constants.get(constant.toUpperCase())]).toEqual([name, oid])
  }
})

test('types we do not do refuse values and name themselves', () => {
  const point = builtinTypeByName('point')
  expect(() => point?.input('(1,2)', -1, testContext())).toThrow(
    expect.objectContaining({ code: '0A000', message: 'type point is not supported' }),
  )
  const any = builtinTypeByName('anyelement')
  expect(() => any?.input('x', -1, testContext())).toThrow(
    expect.objectContaining({ code: '0A000', message: 'cannot accept a value of type anyelement' }),
  )
})

interface PgTypeRow {
  readonly [column: string]: string | null
}

describe.skipIf(!HAS_ORACLE)('against pg_type (BOREALIS_TEST_PG)', () => {
  let oracle: Oracle
  beforeAll(async () => {
    oracle = await Oracle.connect()
  })
  afterAll(() => oracle.close())

  test('every fact is PostgreSQL’s', async () => {
    const { rows } = await oracle.client.query<PgTypeRow>(`
      select oid::text, typname::text, typlen::text, typtype::text, typcategory::text, typispreferred::text,
        typdelim::text, typelem::oid::text, typarray::oid::text, typinput::text, typreceive::text, typalign::text,
        typstorage::text,
        typcollation::oid::text, typsubscript::text, typmodin::text
      from pg_type where oid < 10000 and typtype <> 'c'
        and not exists (select from pg_type e where e.typarray = pg_type.oid and e.typtype = 'c')
      order by pg_type.oid`)
    const ours = TYPE_FACTS.map((facts) => ({
      oid: String(facts.oid),
      typname: facts.name,
      typlen: String(facts.length),
      typtype: facts.kind,
      typcategory: facts.category,
      typispreferred: String(facts.isPreferred),
      typdelim: facts.delimiter,
      typelem: String(facts.elementOid),
      typarray: String(facts.arrayOid),
      typinput: `${facts.ioPrefix}in`,
      typreceive: facts.hasBinary ? `${facts.ioPrefix}recv` : '-',
      typalign: facts.align,
      typstorage: facts.storage,
      typcollation: String(facts.collationOid),
      typsubscript: facts.subscript,
      typmodin: facts.typmodPrefix === '' ? '-' : `${facts.typmodPrefix}typmodin`,
    }))
    expect(ours).toEqual(rows)
  })
})
