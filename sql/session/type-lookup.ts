// Types and reg* names as a session's catalog and search path resolve them (TypeLookup).

import { CatalogNames } from '../catalog/names.ts'
import { builtinType } from '../types/registry.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Type, TypeLookup } from '../types/type.ts'
import type { Value } from '../types/value.ts'
import { DomainChecks } from './domain-checks.ts'
import type { SessionCore } from './session-core.ts'

export class CatalogLookup implements TypeLookup {
  readonly #core: SessionCore
  readonly #names: CatalogNames
  readonly #domains = new DomainChecks()

  constructor(core: SessionCore) {
    this.#core = core
    this.#names = new CatalogNames({ catalog: () => core.catalog, context: () => core.context })
  }

  /** A client may name any number as the type of a parameter, and a type may go while a statement is prepared. */
  type(oid: number): Type {
    const type = builtinType(oid) ?? this.#core.catalog.type(oid)
    if (type === undefined) throw new SqlError('XX000', `cache lookup failed for type ${oid}`)
    return type
  }

  checkDomain(oid: number, value: Value): void {
    this.#domains.check(this.#core.catalog, this.#core.context, oid, value)
  }

  regNameToOid(kind: string, name: string): number {
    return this.#names.regNameToOid(kind, name)
  }

  regOidToName(kind: string, oid: number): string {
    return this.#names.regOidToName(kind, oid)
  }
}
