-- What the psql comparison describes: something of each kind the commands list.
create schema shop;
create table customer (
  id serial primary key,
  name text not null,
  email varchar(40) unique,
  balance numeric(12, 2) default 0 check (balance >= 0),
  since timestamptz default now(),
  tags text[]
);
create table "order" (
  id bigint generated always as identity primary key,
  customer_id int not null references customer (id) on delete cascade,
  placed date default '2026-01-01',
  note char(10),
  doc jsonb
);
create index order_customer on "order" (customer_id, placed desc);
create unique index order_note on "order" (lower(note)) where note is not null;
create table shop.item (sku uuid primary key, price real, weight double precision, flags bool[]);
create view rich as select id, name from customer where balance > 100;
create sequence ticket start 5 increment 2;
create role clerk nologin;
create role boss login superuser;
comment on table customer is 'who buys';
comment on column customer.name is 'as printed';
