// Types and reg* names as a session's catalog and search path resolve them (TypeLookup).

import { must } from '../../storage/base/assert.ts'
import { CatalogNames } from '../catalog/names.ts'
import { builtinType } from '../types/registry.ts'
import type { Type, TypeLookup } from '../types/type.ts'
import type { SessionCore } from './session-core.ts'

export class CatalogLookup implements TypeLookup {
  readonly #core: SessionCore
  readonly #names: CatalogNames

  constructor(core: SessionCore) {
    this.#core = core
    this.#names = new CatalogNames({ catalog: () => core.catalog, context: () => core.context })
  }

  type(oid: number): Type {
    return builtinType(oid) ?? must(this.#core.catalog.type(oid), 'a type that a catalog names')
  }

  regNameToOid(kind: string, name: string): number {
    return this.#names.regNameToOid(kind, name)
  }

  regOidToName(kind: string, oid: number): string {
    return this.#names.regOidToName(kind, oid)
  }
}
