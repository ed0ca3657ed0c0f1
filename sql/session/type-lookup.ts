// Types and reg* names as a session's catalog and search path resolve them (TypeLookup).

import { must } from '../../storage/base/assert.ts'
import { SqlError } from '../types/sql-error.ts'
import { builtinType } from '../types/registry.ts'
import type { Type, TypeLookup } from '../types/type.ts'
import type { SessionCore } from './session-core.ts'

export class CatalogLookup implements TypeLookup {
  readonly #core: SessionCore

  constructor(core: SessionCore) {
    this.#core = core
  }

  type(oid: number): Type {
    return builtinType(oid) ?? must(this.#core.catalog.type(oid), 'a type that a catalog names')
  }

  regNameToOid(kind: string, name: string): number {
    const names = this.#core.catalogNames()
    const oid = names.regNameToOid(kind, name)
    if (oid === undefined) throw new SqlError('42704', `${kind} "${name}" does not exist`)
    return oid
  }

  regOidToName(kind: string, oid: number): string {
    return this.#core.catalogNames().regOidToName(kind, oid)
  }
}
