// A type that is not there is the client's error: it named a number, or dropped the type of a prepared statement.

import { expect, test } from 'vitest'
import { INT4_OID } from '../types/oids.ts'
import type { SessionCore } from './session-core.ts'
import { CatalogLookup } from './type-lookup.ts'

test('an unknown type is an error of SQL, not of ours', () => {
  const core = { catalog: { type: () => undefined }, context: {} } as unknown as SessionCore
  const lookup = new CatalogLookup(core)
  expect(lookup.type(INT4_OID).name).toBe('int4')
  expect(() => lookup.type(999_999)).toThrow(
    expect.objectContaining({ code: 'XX000', message: 'cache lookup failed for type 999999' }),
  )
})
