// More statements over the schema of statements.ts: parameters, operators and functions, clauses, set operations,
// data-modifying statements, casts.

export const MORE_STATEMENTS: readonly string[] = `
select a from t where a = all (select 1, 2)
select sum(a) filter (where b = 'x') over () from t
select max(a) over (partition by b order by c rows between 1 preceding and 2 following exclude group) from t
select t.*, u.* from t left join u on t.a = u.a order by 1, u.x desc limit 3
select * from t order by a, b desc, c nulls first
select b, sum(a) from t group by b having sum(a) > $1 and b like $2
select count(*) from t where a = $1 or $2
select $1 + $2
select $1 + 1.5
select $1 || 'x'
select upper($1), length($2)
select abs($1)
select coalesce($1, $2)
select greatest($1, 5)
select array[$1, 2]
select $1 = any (array[1,2])
select case $1 when 'x' then $2 else 3 end
select $1::date + $2
select now() - $1
select a from t where d between $1 and $2
select a from t where d > now() - $1::interval
select a from t where (a, b) = ($1, $2)
select a from t where a in (select $1)
select a from t where b = $1 limit $1
insert into t (a, b, c, d, g, h) values ($1, $2, $3, $4, $5, $6)
insert into t (a, b) select $1, $2
insert into t (a, b) select $1, b from u
insert into t (a, b) select a, $1 from u union select 1, 'x'
update t set c = c + $1, d = $2, h = $3 where a = any ($4)
update t set b = case when a > $1 then $2 else b end
delete from t where a = $1 and d < $2 returning *
select * from generate_series($1, $2)
select * from unnest($1::int[])
select $1::int[]
select a from t order by $1
select a from t group by a order by $1
values ($1, $2)
select * from (values ($1, 'a'), (2, $2)) v(x, y)
select 1 union select $1
select $1 union select 1
select $1 is not null
select $1 is true, not $2
select row($1, 2) = row(1, $2)
select exists (select 1 from t where a = $1)
select extract(epoch from $1)
select extract(epoch from $1::timestamp)
select $1 like $2
select $1 in ('a', 'b')
select $1 between 1 and 2
select nullif($1, 5)
select to_char($1, 'x')
select jsonb_build_object('a', $1)
select concat($1, $2)
select h -> $1, h ->> $2, h #> $3 from t
select h @> $1, g @> $1 from t
select a from t where g = $1
select a from t where ok = $1
select a from t where ok = 5
select d = '2020-01-01', d = dt, d > dt, dt = d::date from t
select '2020-01-01' - dt, dt - '2020-01-01', d - '1 day' from t
select dt + '1 day', dt - '1' from t
select d + 1 from t
select 5 + d from t
select interval '1 day' * 2, 2.5 * interval '1 day', interval '1 day' / 2, interval '1 day' + time '10:00'
select time '10:00' + dt from t
select dt + time '10:00' from t
select a + null, null + null, b || null, null || null from t
select 'a' || null, 1 || null
select 1 || 2
select 'x'::varchar || 'y', 'x'::char || 'y', 'x'::name || 'y'
select 'x'::varchar = 'x'::char, 'x'::name = 'x', 'x'::text = 'x'::name
select vc = b, vc < 'x', upper(vc), vc::char(5), b::char from t
select max(vc), min(vc || ''), string_agg(vc, ',') from t
select case when true then vc else b end, coalesce(vc, b), coalesce(vc, 'x') from t
select vc from t union select b from u
select vc from t union all select 'x'
select s2 + s2, s2 + a, s2 + i8, s2 * f8, s2::float4 + 1, s2 / 2.0 from t
select sum(s2::float4), avg(s2), avg(i8), sum(distinct c), stddev(a), variance(f8), count(*) from t
select bit_and(a), every(ok), json_agg(t), jsonb_agg(a), json_object_agg(b, a) from t
select min(d), max(dt), min(g), max(t) from t
select min(ok) from t
select min(h) from t
select corr(f8, a), regr_slope(f8, a) from t
select mod(a, 2), mod(i8, 2), power(a, 2), exp(1), ln(2), trunc(c, 1), ceil(c), floor(f8), sign(a) from t
select mod(f8, 2) from t
select round(f8, 2) from t
select round(a, 2), trunc(1.55, 1) from t
select substring(b, 'x'), substring(b from 'x' for 'y'), replace(b, 'a', 1) from t
select replace(b, 'a', 'b'), split_part(b, ',', 1), lpad(b, 5), lpad(b, 5, 'x'), repeat(b, 2), reverse(b), initcap(b) from t
select left(b, 1), right(b, 1), strpos(b, 'x'), ascii(b), chr(65), md5(b), translate(b, 'a', 'b') from t
select left(a, 1) from t
select date_trunc('day', dt), date_trunc('day', d), date_trunc('day', '2020-01-01'), age(d), age(d, d) from t
select to_timestamp(5), to_timestamp('x', 'y'), make_date(2020, 1, 1), to_number('5', '9') from t
select justify_hours(interval '1 day'), isfinite(d), isfinite('x') from t
select current_setting('a', true), pg_sleep(0), random(), gen_random_uuid()
select 'x'::bytea, '\\x00'::bytea, b::bytea from t
select b'101' | b'100', b'1' || b'0', 5::bit(4), b'101'::int
select '1'::money
select '{"a":1}'::json -> 'a', '{"a":1}'::json ->> 'a', '[1]'::json -> 0, '{}'::json = '{}'::json
select '{}'::jsonb = '{}', '{}'::jsonb || '{}', '{}'::jsonb - 'a', '{}'::jsonb #- '{a}', '{}'::jsonb ? 'a'
select 'a'::uuid
select '00000000-0000-0000-0000-000000000000'::uuid = '00000000-0000-0000-0000-000000000000'
select inet '10.0.0.1', '10.0.0.0/8'::cidr
select array_agg(a order by a) filter (where a > 1), array_agg(distinct b order by b) from t
select array_agg(distinct b order by a) from t
select string_agg(distinct b, ',' order by b) from t
select g || g, g || a, a || g, g || null, g || array[1], array[1] || array[[2]] from t
select g = array[1], g < '{1}', g && '{1}', g <@ g, array_dims(g), array_upper(g, 1), unnest(g) from t
select array[1,2][1], (array[1,2])[1:1], ('{1,2}'::int[])[1]
select array[[1,2],[3]]
select array[1, null, '3'], array[null], array['a', null]
select array(select a from t order by a), array(select b from t)
select array(select a, b from t)
select (select row(a, b) from t limit 1)
select row(t.*), row(t.*, 1), (t).a from t
select t.* is null, t is not null, row(t.a) is null from t
select t = t, t < t from t
select u = t from t, u
select count(t), count(t.*) from t
select (t.*).a from t
select coalesce(t.*, null) from t
select row_to_json(t), to_jsonb(t), row_to_json(t.*) from t
select row_to_json(s) from (select a, b from t) s
select x.* from (select (row(1, 2)).*) x
select (row(1, 'x')).f1
select * from t where t.a = 1 and exists (select * from u where u.a = t.a) or not exists (select from u)
select * from (select from t) s
select from t
select distinct from t
select t.a, s.n from t cross join lateral (select count(*) as n from u where u.a = t.a) s
select t.a, s.n from t join lateral (select count(*) as n from u where u.a = t.a) s on s.n > 1
select * from t left join u using (a, b)
select t.b, u.b, b from t join u using (a, b)
select t.b, u.b, b from t full join u using (a, b)
select a from t join u using (a) join w3 on w3.k = a
select a from t full join u using (a) full join w3 on w3.k = a
select * from t join u using (a) as j
select j.a from t join u using (a) as j
select j.b from t join u using (a) as j
select * from (t cross join u) as j(c1, c2)
select * from t as t(x), u as u(y)
select t.x, u.y from t as t(x), u as u(y)
select * from t1, t2
select a.* from t a, t b
select * from only t
select * from t*
with a as (select 1 x), b as (select x + 1 y from a) select * from a, b
with a as (select * from t) select b from a where a.a = 1
with a as (select 1) select (with b as (select 2) select * from b), * from a
with t as (select 5 as zz) select * from t
with x as (update t set a = a + 1 returning *) select sum(a) from x
with x as (delete from t) select 1
with x as (insert into u select * from u returning a) delete from t using x where t.a = x.a
with x as (select 1 as q) insert into t (a, b) select q, 'z' from x
with x as (select 1 as q) update t set a = q from x
with x as (select 1 as q) update t set a = (select q from x)
with recursive x(n, p) as (select 1, 'a' union all select n + 1, p || 'b' from x) select * from x
with recursive x(n, p) as (select 1, 'a'::varchar(5) union all select n + 1, p || 'b' from x) select * from x
with recursive x as (select 1 as n union select n + 1 from x where n < 5), y as (select * from x) select * from y
with recursive x(n) as (select 1 union all select n from x order by 1) select * from x
with recursive x(n) as (select 1 union all select n from x limit 5) select * from x
with recursive x(n) as (select 1 union all (select n + 1 from x limit 5)) select * from x
with recursive x(n) as (select 1 union all select count(n) from x) select * from x
with recursive x(n) as (select 1 intersect select n from x) select * from x
with recursive x(n) as (values (1) union all select n + 1 from x) select * from x
with recursive x as (select 1) select * from x
with a(x, x) as (select 1, 2) select x from a
select * from t where a = 1 for update nowait
select * from t join u on true for update of u skip locked
select * from (select * from t for update) s
select a, count(*) over () from t group by a
select a, sum(count(*)) over (order by a) from t group by a
select a, rank() over (order by count(*)) from t group by a
select b, sum(a) over (partition by b) from t group by b
select b, sum(sum(a)) over (partition by b) from t group by b
select lag(a, 1, 0) over w, lag(b, 1, 0) over w from t window w as (order by a)
select first_value(a), row_number() over () from t
select nth_value(a, 2) over (order by b), cume_dist() over (), percent_rank() over (order by a) from t
select a, b from t group by grouping sets (a, b)
select a, b, c from t group by grouping sets ((a, b), c)
select a, grouping(a, b) from t group by cube (a, b) having grouping(a) = 0 order by grouping(a, b)
select count(*) from t group by rollup (a), cube (b)
select a from t group by a, a
select a from t group by (a, b)
select a from t group by (a), ()
select t.a from t group by t.a order by b
select u.x from u group by u.a
select u.x, count(*) from u group by 1 order by 2 desc, 1
select upper(x) as x from u group by x
select upper(x) as q from u group by q
select x as a from u group by a
select max(x) as m from u group by a having m > 'x'
select x from u having true
select 1 as a, 2 as a order by a
select a, a from t order by a
select a as z, b as z from t order by z
select a from t order by -a
select a from t order by t
select a from t order by 1 + 1
select a from t order by (select 1)
select distinct a, b from t order by a + 1
select distinct a + 1 from t order by a + 1
select distinct b, h from t
select distinct j from (select '{}'::json as j) s
select a from t order by '1'
select a from t order by null
select a from t order by true
select a from t limit 1 offset 1 limit 2
select a from t fetch first row only
select a from t fetch first 5 rows with ties
select a from t order by a fetch first 5 rows with ties
select a from t limit all offset null
select a from t limit 5::bigint offset 2::smallint
select a from t limit true
insert into t (a, b) values (1, 'x') on conflict (a) where a > 5 do nothing
insert into t (a, b) values (1, 'x') on conflict (a desc) do nothing
insert into t (a, b) values (1, 'x') on conflict (a) do update set (b, c) = (excluded.b, 5)
insert into t (a, b) values (1, 'x') on conflict (a) do update set b = default
insert into t (a, b) values (1, 'x') on conflict (a) do update set b = excluded.b where excluded.a > 5 and t.b <> 'q' returning t.a, excluded.b
insert into t as z (a, b) values (1, 'x') on conflict (a) do update set b = z.b || excluded.b
insert into t (a, b) values (1, 'x') on conflict (a) do update set b = (select max(x) from u)
insert into t (a, b) select a, x from u on conflict (a) do nothing returning a
insert into t (a, b) values (1, (select 'x'))
insert into t (a, b) values (1, x) 
insert into t (a, b) values (count(*), 'x')
insert into t (a, b) values (generate_series(1,2), 'x')
insert into t (a, b) values (generate_series(1,2), 'x'), (1, 'y')
insert into t (a, b) (select 1, 'x')
insert into t (a, b) with q as (select 1, 'x') select * from q
insert into t (a, b) values (1, 'x') returning (select count(*) from u), a + 1 as q, t.*
insert into t (a, b, d) values (1, 'x', 'now'), (2, 'y', '2020-01-01')
insert into t (a, b, d) values (1, 'x', 'nonsense')
insert into t (a, b, c) values (1, 'x', 'abc')
insert into t (a, b, g) values (1, 'x', '{1,2'), (2, 'y', array[1])
insert into t (a, b, g) values (1, 'x', array['a'])
insert into t (a, b, h) values (1, 'x', '{'), (2, 'y', null)
insert into t (a, b, ok) values (1, 'x', 1)
insert into t (a, b, vc) values (1, 'x', 'toolongtoolong')
insert into t (a, b, vc) select 1, 'x', b from u
insert into t (a, b, dt) select 1, 'x', now()
insert into t (a, b, c) select 1, 'x', '5'
insert into t (a, b, c) select 1, 'x', b from u
insert into t (a, b) select * from u
insert into u select * from t
insert into u select a, b from t
insert into u (a) select distinct '5' from t
insert into u (a) select '5' union select '6'
insert into u (x) select 5
insert into u (x) values (5), (now()), (true)
insert into u (y) values (5)
insert into u default values returning *
insert into byd values (5), (6)
insert into byd (id) overriding user value values (5) returning *
insert into m (mo, moods) values ('sad', array['ok']::mood[]), ('ok', '{sad}')
insert into m (po, nm) values (5, 'x'), ('7', 8)
insert into m (po) values (5.7)
update t set a = a + 1, b = upper(b), c = c * 1.1, d = now(), g = g || 5, h = h || '{}' where a = 1
update t set c = '5.5', d = '2020-01-01', ok = 'yes', g = '{1}'
update t set c = 'x'
update t set ok = 1
update t set (a, c) = (1, default)
update t set (a, b) = row(1, 'x'), c = 5
update t set (a, b) = (select a, x from u where u.a = t.a)
update t set (a, nosuch) = (1, 2)
update t set a = u.a, b = u.x from u, w3 where t.a = u.a and w3.k = u.a
update t as z set a = 1 from t where z.a = t.a
update t set a = s.q from (select max(a) as q from u) s
update t set a = lateral_x.q from lateral (select t.a as q) lateral_x
update t set a = sum(a) over ()
update t set b = 5
update t set b = a
update t set dt = d
update t set a = f8, s2 = a, i8 = c, f8 = c, c = f8
update only t set a = 1
update t set nosuch.x = 1
update t set mo = 1
update m set mo = 'ok', pr = (1, 'x'), pr = null
update m set pr = row(1, 'x'), moods = array['sad']
update m set pr = row(1)
update m set po = 'x'
delete from t as z where z.a in (select a from u) returning z.*
delete from t using u, w3 where t.a = u.a and w3.k = t.a
delete from t using t where t.a = 1
delete from t where a = sum(a)
delete from t returning nosuch
select pg_catalog.upper('x'), public.upper('x')
select nosuch.upper('x')
select pg_catalog.int4 '5', 'x'::pg_catalog.text, 'x'::nosuch.text
select 1 operator(pg_catalog.+) 2, 1 operator(nosuch.+) 2
select 'x'::varchar(0)
select 5::numeric(2000)
select 5::numeric(5,6), 5::numeric(-1)
select '1'::int(5)
select 'x'::text(5)
select 'x'::varchar(a) from t
select now()::timestamp(3), now()::timestamp(10), interval '1' day(3), interval(3) '1 s'
select cast(1 as int[]), cast('{1}' as int[]), cast(null as int[][])
select 1::"char", 'x'::"char", 'xyz'::char(2)
select true::int, 1::boolean, 't'::boolean::text, 0::bool
select 1.5::int::text::numeric(3,1)
select b::int, b::numeric, b::bool, b::timestamptz from t
select d::date, d::time, d::timestamp, dt::timestamptz from t
select g::text, g::int8[], g::text[], h::text, h::json from t
select h::int, h::bool, h::numeric from t
select a::bool, a::oid, a::regclass, i8::oid, i8::int from t
select f8::int, c::int, c::float4, i8::numeric from t
select a::money, a::timestamp from t
select 1 + 1::text
select 'a' = 'b' = 'c'
select 1 < 2 < 3
select 1 = true
select not 1
select - 'x'
select - '5'
select @ -5, |/ 4, 5 !
select 2 ^ 3 ^ 2, 2 ** 3
select a <> b, a != 1, a == 1 from t
select a @> 1 from t
select ~ 5, 5 # 3, 5 & 3, 5 | 3, 5 << 1
select 1.5 % 1, 5.5::float8 % 2
select '2020-01-01' + 1
select '5' * 2, '5' || 2, 2 || '5'
select 'abc' like 'a%' and 'abc' ilike 'A%' or 'x' similar to 'y'
select 5 like 'x'
select b like a from t
select b like 5 from t
select 5 in ('x')
select 5 in (5.5, '6')
select 'a' in (1)
select a in (b) from t
select a in (null), a not in (null, 1) from t
select a in ((select 1), 2) from t
select (a, b) in ((1, 'x'), (2, 'y')) from t
select (a, b) in ((1, 2)) from t
select (1, 2) in (3, 4)
select a = some (array[1]), a > all ('{1}') from t
select a = any (array['x']) from t
select a = any (null) from t
select b = any ('{a,b}'), b = any (array['a']), b like any (array['a%']) from t
select vc = any ('{a,b}'), vc = any (array['a', 'b']), mo = any ('{sad}') from t, m
select case when 1 then 2 end
select case 1 when true then 2 end
select case a when b then 1 end from t
select case when true then 1 when false then 2.5 else null end, case when true then null end
select case when true then a else c end, case when true then dt else d end from t
select case when true then '1' else 2 end, case when true then 'x' else 'y' end
select coalesce(dt, d), coalesce(a, '5'), coalesce(null, a), coalesce(s2, i8, f8) from t
select coalesce(), greatest()
select nullif(1, 2.5), nullif('a', 'b'), nullif(null, 1), nullif(a, null) from t
select a is of (int) from t
select a notnull, a isnull from t
select b is normalized, normalize(b) from t
select a is json from t
select (select 1) + (select 2), (select max(a) from t) + 1
select (select 1 union select 2)
select (select a from t) = (select b from t)
select exists (select nosuch from t)
select (values (1))
select (values (1, 2))
select (table t)
select * from (table t) s where a = 1
select count(*) from (select 1 union all select 2) s
(select 1) union all (select 2) order by 1
(select 1 limit 1)
((select 1))
select 1 union all select 2 limit 1 offset 1
select a as x from t union select a from u order by x
select 1 except all select 2 intersect all select 3
select a, b from t union select a, y from u
select a::text from t union select b from u union select 'x' order by 1 desc
select '1' union select 2 union select 3.5
select null union all select 'x' union all select 5
select array[1] union select array[2.5]
select array[1] union select '{2}'
select (1, 'a') union select (2, 'b')
select a from t union select 1 from nosuch
values (1, 'a') union select 2, 'b'
values (1, 2) union all values (3, '4')
values (1, 2), (3, 'x')
values (1), (null), ('5')
values ('a'), (1)
values (now()), ('2020-01-01')
values (array[1]), ('{2}')
values (1, 2) limit 1
values (a)
select * from (values (1, 2), (3, 4)) s where column1 = 1
select * from (values (1)) s(a, b)
`
  .split('\n')
  .filter((line) => line !== '')
