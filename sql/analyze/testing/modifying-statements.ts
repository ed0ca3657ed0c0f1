// Statements over the schema of statements.ts: INSERT, UPDATE, DELETE, and what came up after them.

export const MODIFYING_STATEMENTS: readonly string[] = `
insert into t values (1)
insert into t values (1, 'x', 2.5, now())
insert into t (a, b) values (1)
insert into t (a, b) values (1, 2, 3)
insert into t (a, nosuch) values (1, 2)
insert into t (a, a) values (1, 2)
insert into t (a, b) values ('x', 'y')
insert into t (a, b) values (1, 2)
insert into t (a, b) values (now(), 'y')
insert into t (a, b, dt) values (1, 'x', 5)
insert into t (a, b) select 1, 'x'
insert into t (a, b) select 1
insert into t (a, b) select a, b, c from t
insert into t (a, b) select b, a from t
insert into t (a, b) select 'x', 'y'
insert into t (a, b) values (1, 'x'), (2, 'y'), (default, 'z')
insert into t (a, b) values (1, 'x'), (2)
insert into t (a, b) values ((1, 2))
insert into t default values
insert into t (a, b) values (1, 'x') returning a, b, nosuch
insert into t (a, b) values (1, 'x') returning *
insert into t as q (a, b) values (1, 'x') returning q.a
insert into t as q (a, b) values (1, 'x') returning t.a
insert into t (a, b) values (a, 'x')
insert into t (a, ctid) values (1, 'x')
insert into nosuch values (1)
insert into t (a, b) values (1, 'x') on conflict do nothing
insert into t (a, b) values (1, 'x') on conflict (a) do nothing
insert into t (a, b) values (1, 'x') on conflict (b) do nothing
insert into t (a, b) values (1, 'x') on conflict (nosuch) do nothing
insert into t (a, b) values (1, 'x') on conflict do update set b = 'y'
insert into t (a, b) values (1, 'x') on conflict (a) do update set b = excluded.b
insert into t (a, b) values (1, 'x') on conflict (a) do update set b = b
insert into t (a, b) values (1, 'x') on conflict (a) do update set nosuch = 1
insert into t (a, b) values (1, 'x') on conflict (a) do update set b = t.b || excluded.b where t.a > 1 returning a
insert into t (a, b) values (1, 'x') on conflict (a) do update set b = excluded.nosuch
insert into t (a, b) values (1, 'x') on conflict on constraint t_pkey do nothing
insert into t (a, b) values (1, 'x') on conflict on constraint nosuch do nothing
insert into w3 values (1, 'x') on conflict (k, z) do nothing
insert into w3 values (1, 'x') on conflict (z, k) do nothing
insert into w3 values (1, 'x') on conflict (k) do nothing
insert into w3 values (1, 'x') on conflict (lower(z)) where k > 0 do nothing
insert into w3 values (1, 'x') on conflict (lower(z)) do nothing
insert into gen values (1, 2)
insert into gen (n) values (1) returning *
insert into gen (id, n) values (5, 1)
insert into gen (id, n) overriding system value values (5, 1)
insert into gen (n, twice) values (1, 5)
insert into gen (n, twice) values (1, default)
insert into gen (id, n) overriding user value values (5, 1)
insert into byd values (1, 2), (default, default)
insert into byd (id) select 5
insert into gen (id) select 5
insert into m values (1, 'sad', (1, 'x'), 5, 'abc', '{sad,ok}')
insert into m values (1, 'nosuch')
insert into m (pr) values ((1, 2, 3))
insert into m (pr) values (row(1, 'x'))
insert into m (po) values ('x')
insert into vt values (1, 'x')
update t set a = 1
update vw set x = 5, y = 'q' where z > 1 returning x, z
update vw set z = 5
update vvw set q = 5 where y = 'a' returning *
insert into vw (x, y) values (1, 'a') returning z
insert into vw values (1, 'a', 5)
insert into vvw values (1, 'a')
insert into vw (nosuch) values (1)
delete from vvw where q = 1 returning y
delete from vd
update vj set a = 1
insert into vd values (1)
insert into vw (x) select a from t
update t set a = 'x'
update t set nosuch = 1
update t set a = b
update t set a = 1, a = 2
update t set a = default, b = default
update t set (a, b) = (1, 'x')
update t set (a, b) = (select 1, 'x')
update t set (a, b) = (1)
update t set (a, b) = (1, 2, 3)
update t set (a, b) = (select 1)
update t set (a, b) = 5
update t set a = u.a from u where u.a = t.a
update t x set a = t.a + 1
update t x set a = x.a + 1 where x.b = 'q' returning x.a
update t set t.a = 1
update t set a = 1 where count(*) > 1
update t set a = count(*)
update t set a = row_number() over ()
update t set a = 1 returning count(*)
update t set g[1] = 5
update nosuch set a = 1
update gen set id = 5
update gen set twice = 5
update gen set twice = default, n = 2
update byd set id = 5
update t set a = 1 from t
update t set a = (select max(a) from u)
update t set a = generate_series(1, 2)
delete from t
delete from t where a = 'x'
delete from t using u where t.a = u.a returning t.*, u.x
delete from t where nosuch
delete from nosuch
delete from t x where t.a = 1
delete from t using lateral (select t.a) s
select ctid, xmin, tableoid, t.ctid from t
select vt.ctid from vt
select ctid from (select a from t) s
select * from vt where a > 1
select v.q from vt v
select a from vt group by a
select b collate "C", b collate "nosuch", a collate "C" from t
select b from t order by b collate "C"
select t.a from t where exists (select 1 from u where u.a = t.a and u.x = t.nosuch)
select (select t.b from u) from t
select (select count(*) from u where u.a = t.a) from t
select a, (select b) from t group by a
select x, (select max(y) from u u2 where u2.a = u.a) from u group by x
select x, (select max(t.a) from t where t.b = u.x) from u group by x
select 1 from t where a = (select b from u)
select 1 from t where a = (select a from u)
select 1 where 1 = any (select 'x')
select 1 where 1 = any (select a from t)
select 1 = all (select a from t), 1 < any (select c from t)
select concat('a', 1, true, null), format('%s', 1), json_build_object('a', 1)
select to_char(d, 'YYYY'), to_char(c, '999'), to_date('x', 'y') from t
select generate_series(1, 2), generate_series('2020-01-01'::timestamp, '2020-01-02', '1 day')
select make_interval(days => 1), make_interval(hours => 1, days => 2)
select make_interval(nosuch => 1)
select make_interval(days => 1, days => 2)
select make_interval(days => 1, 2)
select jsonb_build_object(variadic array['a', 'b'])
select concat(variadic array[1, 2])
select concat_ws(',', variadic 'x')
select greatest(variadic array[1, 2])
select regexp_replace('a', 'b', 'c'), regexp_match('a', 'b'), regexp_split_to_array('a', 'b')
select date '2020-01-01', time '10:00', timestamp '2020-01-01', interval '1 day', interval '1' year, timestamptz '2020-01-01'
select date 'x'
select int '5', float8 '1.5', numeric '1', bool 't', text 'x', int4 'x'
select int4(1.5), float8(1), text(5), date('2020-01-01'), int4('7'), varchar(5)
select b'101', x'1f'
select 'a' < 'b', 'a' = 1, 1 = '1', '1' + 1, '1' + '1'
select '1' + '1' from t
select null + 1, null = null, null || 'x', -null
select unnest(array[1,2]), unnest('{1,2}')
select array_length(g, 1), array_append(g, 5), array_append(g, 'x'), array_cat(g, g), g || 5, g || '{5}', 5 || g from t
select array_append(g, b) from t
select array_position(array['a'], 'a'), array_to_string(g, ','), cardinality(g) from t
select array_agg(g), array_agg(t), array_agg(array[1]) from t
select cast(null as int), null::text, cast('x' as unknown)
select pg_typeof('x'), pg_typeof(1), pg_typeof(null)
select a.b.c.d.e from t
select otherdb.public.t.a from t
select xmlelement(name foo)
select * from t tablesample system (10)
select a into q from t
select 1 as "select", 2 as "Mixed", 3 as é, 'é', nosuch
select 'é', a from t where nosuch = 'é'
merge into t using u on t.a = u.a when matched then delete
select t.a from t for no key update skip locked
select sum(a) from t for share
table t
table nosuch
select all a from t
select 1 offset 5
select count(*) over (partition by a order by b), first_value(a) over w from t window w as (order by a rows unbounded preceding)
select a, sum(c) from t group by grouping sets ((a), ())
select b, sum(c) from t group by grouping sets ((a), ())
select jsonb_array_elements('[1]'), jsonb_each('{}')
select * from jsonb_each('{"a":1}')
select (jsonb_each('{"a":1}')).key
select (jsonb_each('{"a":1}')).*
select pg_get_viewdef('vt'::regclass), 't'::regclass, 't'::regclass::oid, 'nosuch'::regclass
select 'int4'::regtype, 5::oid, 5::oid::int
select txid_current(), pg_backend_pid(), version()
select current_setting('x'), set_config('a', 'b', false)
select nextval('s'), currval('x')
select lower(b) as l from t group by l
select lower(b) as b from t group by b
select a as x, b from t order by x, lower(b)
select t1.a from t t1 join t t2 on t1.a = t2.a join t t3 using (a)
select * from t t1 join t t2 using (a) join t t3 using (a)
select 1 from t t1 left join (u join w3 on u.a = w3.k) on t1.a = u.a
select u.a from t left join u on t.a = u.a and u.b = t.b where u.a is null
`
  .split('\n')
  .filter((line) => line !== '')
