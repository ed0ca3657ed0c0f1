-- Corners that PostgreSQL's own regression statements found.
create table item (id int primary key, name text, size numeric);
insert into item values (1, 'a', 1.5), (2, 'b', null), (3, 'c', 10);
-- A type goes with the table that uses it, whatever the order in which they were made.
create schema made;
create type made.spot as (x int, y text);
create table made.spots (at made.spot);
create domain made.positive as int check (value > 0);
create type made.pair as (a made.positive, b int);
create view made.all_spots as select s.*, v.* from made.spots s, lateral (values (s)) v;
insert into made.spots values (row(1, 'x'));
select count(*) from made.all_spots;
drop schema made cascade;
-- Definition lists.
select * from json_to_record('{"a": 1, "b": "x", "c": [1]}') as r(a int, b text, c json);
select * from jsonb_to_recordset('[{"a": 1, "b": "x"}, {"a": null}]') as r(a int, b text) order by a;
select * from jsonb_to_recordset('[{"a": 1}]') with ordinality as r(a, n);
-- Sets in the arguments of sets.
select generate_series(1, generate_series(1, 3));
select generate_series(1, generate_series(1, 2)), generate_series(5, 6);
-- What FILTER drops is not computed.
select sum(6 / (id - 1)) filter (where id > 1), count(1 / (id - 2)) filter (where id <> 2) from item;
-- A commit whose deferred checks fail ends the transaction.
create table once (n int unique deferrable initially deferred);
begin;
insert into once values (1), (1);
commit;
select count(*) from once;
-- Foreign keys between integers of other sizes.
create table parent (id int primary key);
create table child (id bigint references parent);
insert into parent values (5);
insert into child values (5);
insert into child values (4294967301);
-- Integers of other sizes in one expression.
select id::int8 + 1::int2, 2::int2 * id::int8, id::int8 - 1, id::int8 / 2, id::int8 % 2 from item order by id;
select id::float4 + 1::float8, id::float8 * 2::float4, id::float4 - id::float4, id::float8 / 4 from item order by id;
-- The user of the session and back.
create role corner_user;
set session authorization corner_user;
select current_user, session_user;
create role other;
reset session authorization;
select current_user = session_user;
set session authorization corner_user;
set session authorization default;
drop role corner_user;
-- Statements that hold a query.
create table sized as select * from item where size > 1 order by id;
select * from sized order by id;
