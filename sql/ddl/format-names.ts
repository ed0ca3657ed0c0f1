// Types as messages of DDL print them: `integer`, `character varying`, with the schema where it is not on the path.

import { formatType } from '../analyze/format-type.ts'
import { PG_CATALOG_OID } from '../catalog/bootstrap.ts'
import type { Catalog } from '../catalog/catalog.ts'

export function formatTypeName(catalog: Catalog, oid: number, typmod = -1): string {
  return formatType({ catalog, searchPath: [PG_CATALOG_OID] }, oid, typmod)
}
