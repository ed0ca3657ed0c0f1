// Texts that views of information_schema share.

import { PG_CATALOG_OID, PUBLIC_SCHEMA_OID } from '../bootstrap.ts'
import type { Catalog, Column, Table, View } from '../catalog.ts'
import { displayExpression } from '../definitions.ts'

export type WithColumns = Table | View

/** A column's default or generation expression; names are as with the default search path. */
export function displayDefault(catalog: Catalog, column: Column): string | null {
  if (column.default === undefined) return null
  const context = { catalog, path: [PUBLIC_SCHEMA_OID, PG_CATALOG_OID], deparser: undefined }
  return displayExpression(context, column.default, 0, false)
}
