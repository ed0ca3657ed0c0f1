// Schema borealis as an extension of that name: pg_dump leaves alone what belongs to an extension, and \\dx lists it.

import { borealisFunctions } from '../../functions/borealis.ts'
import { BOREALIS_EXTENSION_OID, BOREALIS_SCHEMA_OID, CLASS_OID, POSTGRES_ROLE_OID } from '../bootstrap.ts'
import type { Dependency } from '../catalog.ts'
import { systemRelations } from '../system-relations.ts'
import type { Fields, RelationSource } from './rows.ts'

export const pgExtension: RelationSource = {
  rows: () => [
    {
      oid: BOREALIS_EXTENSION_OID,
      extname: 'borealis',
      extowner: POSTGRES_ROLE_OID,
      extnamespace: BOREALIS_SCHEMA_OID,
      extrelocatable: false,
      extversion: '1.0',
      extconfig: null,
      extcondition: null,
    },
  ],
}

function* members(): Iterable<Dependency> {
  yield { classOid: CLASS_OID.pg_namespace, objectOid: BOREALIS_SCHEMA_OID, subId: 0 }
  for (const { oid } of borealisFunctions()) yield { classOid: CLASS_OID.pg_proc, objectOid: oid, subId: 0 }
  for (const { oid, schemaOid } of systemRelations()) {
    if (schemaOid === BOREALIS_SCHEMA_OID) yield { classOid: CLASS_OID.pg_class, objectOid: oid, subId: 0 }
  }
}

/** Rows of pg_depend that say what belongs to the extension. */
export function* extensionMembers(): Iterable<Fields> {
  for (const { classOid, objectOid, subId } of members()) {
    yield {
      classid: classOid,
      objid: objectOid,
      objsubid: subId,
      refclassid: CLASS_OID.pg_extension,
      refobjid: BOREALIS_EXTENSION_OID,
      refobjsubid: 0,
      deptype: 'e',
    }
  }
}
