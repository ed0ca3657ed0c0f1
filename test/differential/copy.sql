-- COPY in and out in its formats.
create table t (a int, b text, c numeric);
copy t from stdin;
1	one	1.5
2	\N	2
3	tab\there	\N
\.
copy t (b, a) from stdin with (format csv, header);
b,a
"quoted, with comma",4
"with ""quotes""",5
\.
select * from t order by a;
copy (select * from t order by a) to stdout;
copy (select * from t order by a) to stdout with (format csv, header);
copy (select a, b from t order by a) to stdout with (delimiter '|', null 'nil');
copy t from stdin;
x	y	z
\.
copy t from stdin;
7	too few
\.
copy t from stdin (format csv);
8,"unterminated
\.
select count(*) from t;
copy t to stdout (format nonsense);
