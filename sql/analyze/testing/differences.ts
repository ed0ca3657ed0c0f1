// Where we differ from PostgreSQL on purpose, and what we say instead.

const NO_ARBITER =
  '42P10 there is no unique or exclusion constraint matching the ON CONFLICT specification | nowhere'

export const KNOWN_DIFFERENCES: ReadonlyMap<string, string> = new Map([
  // PostgreSQL infers the arbiters when it plans, so it describes these and fails when they run.
  [`insert into t (a, b) values (1, 'x') on conflict (b) do nothing`, NO_ARBITER],
  [`insert into w3 values (1, 'x') on conflict (k) do nothing`, NO_ARBITER],
  [`insert into w3 values (1, 'x') on conflict (lower(z)) do nothing`, NO_ARBITER],
  // Not supported.
  [
    `update t set g[1] = 5`,
    '0A000 assignment to an array element or a field of a column is not supported | at 14',
  ],
  [`select xmlelement(name foo)`, '0A000 XML expressions is not supported | nowhere'],
  [`select * from t tablesample system (10)`, '0A000 TABLESAMPLE is not supported | at 29'],
  [`merge into t using u on t.a = u.a when matched then delete`, '0A000 MERGE is not supported | nowhere'],
  // PostgreSQL has unnest for three kinds of argument.
  [
    `select unnest(array[1,2]), unnest('{1,2}')`,
    '42804 could not determine polymorphic type because input has type unknown | at 28',
  ],
  // CREATE TABLE AS by another name: the session does it.
  [`select a into q from t`, '() -> a 23'],
  // The fake catalog's reg types are simpler.
  [
    `select pg_get_viewdef('vt'::regclass), 't'::regclass, 't'::regclass::oid, 'nosuch'::regclass`,
    '42704 regclass "nosuch" does not exist | at 75',
  ],
  [`select 'int4'::regtype, 5::oid, 5::oid::int`, '42704 regtype "int4" does not exist | at 8'],
  [`select nextval('s'), currval('x')`, '42704 regclass "s" does not exist | at 16'],
])
