// pg_init_privs: the privileges that system objects are born with. pg_dump compares with them and dumps what differs,
// so everything of PostgreSQL's that has an access list is listed.

import { must } from '../../../storage/base/assert.ts'
import type { Value } from '../../types/value.ts'
import { BOREALIS_SCHEMA_OID, INFORMATION_SCHEMA_OID, PG_CATALOG_OID } from '../bootstrap.ts'
import { staticRows } from '../static-rows.ts'
import { systemRelationByName, systemRelations } from '../system-relations.ts'
import { aclValue, type Fields, type RelationSource } from './rows.ts'

const classOid = (name: string): number => must(systemRelationByName(PG_CATALOG_OID, name)).oid

function entry(relation: string, oid: Value, acl: Value): Fields {
  return { objoid: oid, classoid: classOid(relation), objsubid: 0, privtype: 'i', initprivs: acl }
}

export const pgInitPrivs: RelationSource = {
  rows: function* (catalog) {
    for (const relation of systemRelations()) {
      if (relation.acl === undefined) continue
      yield entry('pg_class', relation.oid, aclValue(relation.acl, catalog.shared))
    }
    for (const oid of [PG_CATALOG_OID, INFORMATION_SCHEMA_OID, BOREALIS_SCHEMA_OID]) {
      const acl = catalog.schema(oid)?.acl
      if (acl !== undefined) yield entry('pg_namespace', oid, aclValue(acl, catalog.shared))
    }
    const procedures = must(systemRelationByName(PG_CATALOG_OID, 'pg_proc'))
    const at = procedures.kind === 'table' ? procedures.columns.findIndex((one) => one.name === 'proacl') : -1
    for (const row of staticRows('pg_proc')) {
      const acl = row[at] ?? null
      if (acl !== null) yield entry('pg_proc', must(row[0]), acl)
    }
  },
}
