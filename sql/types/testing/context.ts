// A TypeContext for tests: PostgreSQL's defaults, built-in types only.

import { builtinType } from '../registry.ts'
import { SqlError } from '../sql-error.ts'
import type { TypeContext } from '../type.ts'

/** 2024-02-29 12:34:56.789012 UTC. */
export const TEST_NOW_MICROS = 762_525_296_789_012

export function testContext(overrides: Partial<TypeContext> = {}): TypeContext {
  return {
    timeZone: 'UTC',
    dateStyle: { style: 'ISO', order: 'MDY' },
    intervalStyle: 'postgres',
    extraFloatDigits: 1,
    byteaOutput: 'hex',
    transactionMicros: TEST_NOW_MICROS,
    lookup: {
      type(oid) {
        const type = builtinType(oid)
        if (type === undefined) throw new SqlError('42704', `type with OID ${oid} does not exist`)
        return type
      },
      regNameToOid(kind, name) {
        throw new SqlError('42704', `${kind} "${name}" does not exist`)
      },
      regOidToName: (kind, oid) =>
        kind === 'regtype' ? (builtinType(oid)?.name ?? String(oid)) : String(oid),
      checkDomain: () => undefined,
    },
    ...overrides,
  }
}
