// Sample values by type for the differential test, as text; null where it belongs. Chosen at the edges: where results
// leave their type, signs change, halves are rounded, and where text is not ASCII.

const integers = ['0', '1', '-1', '2', '-7', '13', '100']

const byType: Readonly<Record<string, readonly (string | null)[]>> = {
  bool: ['t', 'f', null],
  int2: [...integers, '32767', '-32768'],
  int4: [...integers, '2147483647', '-2147483648', '3', '31'],
  int8: [
    ...integers,
    '9223372036854775807',
    '-9223372036854775808',
    '9007199254740993',
    '-4294967296',
    '4611686018427387904',
  ],
  oid: ['0', '23', '16384', '4294967295'],
  float4: ['0', '1', '-1.5', '2.5', '1e30', '-3.4e38', '1e-40', 'NaN', 'Infinity', '-Infinity', '0.1'],
  float8: [
    '0',
    '-0',
    '1',
    '-1.5',
    '2.5',
    '0.1',
    '1e300',
    '-1e308',
    '1e-310',
    'NaN',
    'Infinity',
    '-Infinity',
    '123456.789',
    '0.5',
    '30',
  ],
  numeric: [
    '0',
    '1',
    '-1',
    '1.5',
    '-2.50',
    '0.000',
    '123456789012345678901234567890.12345',
    '1e-20',
    '3.14159',
    '-0.5',
    '99999.99',
    '2147483648',
    'NaN',
    'Infinity',
    '-Infinity',
  ],
  text: [
    '',
    'a',
    'abc',
    'Hello World',
    '  padded  ',
    'ÄÖü ß',
    '😀x😀',
    "it's",
    'back\\slash',
    'xyxyxy',
    'b',
    ' ',
    '%b_',
    'A,B,,C',
    ',',
    '(b.)+',
    'NFC',
  ],
  varchar: ['', 'abc', 'ab '],
  bpchar: ['', 'abc', 'ab  '],
  name: ['', 'abc', 'pg_class', 'Zoë'],
  char: ['', 'a', 'Z', '~'],
  bytea: ['\\x', '\\x00', '\\x616263', '\\xff00fe', '\\x62'],
  uuid: ['00000000-0000-0000-0000-000000000000', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  date: ['2000-01-01', '1999-12-31', '2024-02-29', '0044-03-15 BC', 'infinity', '-infinity', '9999-12-31'],
  time: ['00:00:00', '23:59:59.999999', '12:30:45.5', '24:00:00'],
  timetz: ['00:00:00+00', '12:30:45.5-08', '23:59:59.999999+15:59', '12:30:45.5+05:30'],
  timestamp: [
    '2000-01-01 00:00:00',
    '2024-02-29 23:59:59.999999',
    '1969-07-20 20:17:40',
    '0044-03-15 12:00:00 BC',
    'infinity',
    '-infinity',
    '2024-12-31 12:34:56.789',
  ],
  timestamptz: [
    '2000-01-01 00:00:00+00',
    '2024-02-29 23:59:59.999999+02',
    '1969-07-20 20:17:40Z',
    'infinity',
    '-infinity',
    '2024-12-31 12:34:56.789-08',
  ],
  interval: [
    '0',
    '1 day',
    '1 mon',
    '-1 year -2 mons +3 days -04:05:06.789',
    '36:00:00',
    '100 years',
    '00:00:00.000001',
    '45 days',
  ],
  json: [
    'null',
    '{"a": 1, "b": [1, 2, {"c": null}], "a": 2}',
    '[1, "two", true, null]',
    '"text"',
    '3.50',
    '{}',
    '[]',
  ],
  jsonb: [
    'null',
    '{"a": 1, "b": [1, 2, {"c": null}]}',
    '[1, "two", true, null]',
    '"text"',
    '3.50',
    '{}',
    '[]',
    'true',
    '{"b": [1, 2, {"c": null}]}',
  ],
  _int4: ['{}', '{1,2,3}', '{NULL,1}', '{{1,2},{3,4}}', '[2:3]={5,6}', null],
  _int8: ['{}', '{1,2}'],
  _text: ['{}', '{a,b,c}', '{a,NULL,"x y"}', '{b}', '{1,c}'],
  _float8: ['{}', '{1,2.5}'],
  bit: ['1', '0', '101', '111'],
  varbit: ['', '1', '0101', '11110000'],
  inet: ['127.0.0.1', '10.1.2.3/8', '::1', '2001:db8::/32'],
  cidr: ['10.0.0.0/8', '2001:db8::/32'],
  macaddr: ['08:00:2b:01:02:03', 'ff:ff:ff:ff:ff:ff'],
  money: ['0', '1.25', '-100.50'],
  pg_lsn: ['0/0', '16/B374D848', 'FFFFFFFF/FFFFFFFF'],
  xid: ['0', '3', '4294967295'],
  xid8: ['0', '3', '4294967296'],
  cid: ['0', '7'],
  tid: ['(0,1)', '(10,2)'],
}

const units = (
  'microseconds milliseconds second minute HOUR day week month quarter year decade century millennium epoch julian ' +
  'isoyear dow isodow doy timezone timezone_hour timezone_minute yrs nonsense'
).split(' ')
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'CET',
  'EDT',
  'Asia/Kolkata',
  '+03',
  'Nowhere/City',
]
const patterns = ['', 'a', '%', 'a%', '%b%', '_b_', '%c', 'Hel_o%', 'back\\\\slash', 'A,%', '%\\_']
const regexps = [
  '',
  'a',
  '^a',
  'c$',
  '(b)(c)',
  'x+?y',
  '[[:alpha:]]+',
  '\\d',
  '\\mW',
  '(x|y)*',
  'l{2}',
  '[^a-c]',
  '(',
  '***=a',
  '(?i)HELLO',
]

const templates = [
  'YYYY-MM-DD HH24:MI:SS.US',
  'FMDay, DDth FMMonth YYYY',
  'HH12:MI AM TZ',
  'IYYY-IW-ID Q WW J',
  'SSSS MS "text" RM',
  '999,999.99',
  'S0999.9',
  'FM9990.00',
  'RN',
  '9.99EEEE',
  '$99PR',
  'L99MI',
  'V99',
]

const formatted = [
  '2024-02-29 13:14:15.678',
  'Thursday, 29th February 2024',
  '1,234.5',
  '-12.3',
  '$99',
  '2024-09-4',
  '',
  '12:30 PM +02',
]

/** Arguments that make sense only for a function: unit names, zones, patterns. */
function byFunction(functionName: string, index: number): readonly string[] | undefined {
  if (index === 0 && /^(date_part|extract|date_trunc)$/.test(functionName)) return units
  if (index === 0 && functionName === 'timezone') return zones
  if (index === 2 && functionName === 'date_trunc') return zones
  if (index === 6 && functionName === 'make_timestamptz') return zones
  if (index === 1 && /^to_(char|number|date|timestamp)$/.test(functionName)) return templates
  if (index === 0 && /^to_(number|date|timestamp)$/.test(functionName)) return formatted
  if (index === 1 && functionName.endsWith('like')) return patterns
  if (index === 1 && functionName.includes('regex')) return regexps
  return undefined
}

/** Sample texts of an argument of this type, or undefined when there are none. */
export function samples(
  typeName: string,
  functionName = '',
  index = 0,
): readonly (string | null)[] | undefined {
  const list = byType[typeName]
  return list === undefined || typeName !== 'text' ? list : (byFunction(functionName, index) ?? list)
}

/** Calls whose answers differ for a reason that is written here. */
export const knownDifferences: readonly RegExp[] = [
  // The catalog's names are not in this test.
  /^(regclass|to_reg\w+|format_type|current_setting|version|has_parameter_privilege)\(/,
  // The C library's cube root is one unit off in the last place here and there; ours is rounded right.
  /^d?cbrt\(/,
  /^pg_(backend_pid|char_to_encoding)\(/,
  // The clock is the session's.
  /^(now|transaction_timestamp|statement_timestamp)\(/,
  /^age\((timestamp|timestamptz) [^,]*\)$/,
  // 'abc' is an old name of WIN1258, one of the encodings we do not convert.
  /^(convert|convert_to|convert_from|length)\(.*name abc/,
  // Typmods that no type declaration can have; lengths of which PostgreSQL runs out of memory or wraps around.
  /^(timestamp|timestamptz|time|timetz|interval)\(\w+ [^,]*, int4 /,
  /^(bpchar|right)\(.*-?214748364\d/,
  // Fields that overflow are an error to us (and to PostgreSQL 17); 15 wraps around.
  /^make_(interval|date)\(.*(-2147483648|2147483647|e30[08]|-1e308)/,
  /^(trunc|round)\(numeric .*2147483647/,
  // PostgreSQL 15 multiplies money without a check.
  /^(cash_mul_int8|int8_mul_cash)\(.*\d{16}/,
  // Both arguments are wrong, and so are the two answers.
  /^(numeric_)?log\(numeric 0.*, numeric -/,
  // A shift that overflows.
  /^to_char\((int4 2147483647|int8 9223372036854775807), text V99\)/,
  // Basic regular expressions are refused.
  /^regexp_\w+\(.*text b[,)]/,
  // PostgreSQL reckons with the largest int8 for infinity there.
  /^age\(.*infinity/,
  // One unit in the last place, as C libraries differ.
  /^(sin|cos|atan2d?|d?pow|power|width_bucket)\(/,
  // PostgreSQL refuses these lengths even when nothing is to be filled.
  /^[lr]pad\(.*2147483647/,
  // PostgreSQL takes any length of a bit string here, up to its memory.
  /^bit\(.*2147483647/,
]

/** Calls of set-returning functions: signature, then arguments. */
export const setCalls: readonly (readonly [signature: string, ...args: string[]])[] = [
  ['generate_series(int4,int4)', '1', '4'],
  ['generate_series(int4,int4,int4)', '10', '1', '-4'],
  ['generate_series(int4,int4,int4)', '1', '5', '0'],
  ['generate_series(int4,int4)', '2147483646', '2147483647'],
  ['generate_series(int8,int8,int8)', '9223372036854775800', '9223372036854775807', '3'],
  ['generate_series(numeric,numeric,numeric)', '1.0', '2', '0.25'],
  ['generate_series(numeric,numeric)', '1', 'NaN'],
  ['generate_series(timestamp,timestamp,interval)', '2024-01-31', '2024-05-01', '1 month'],
  ['generate_series(timestamptz,timestamptz,interval)', '2024-01-31', '2024-01-01', '-7 days'],
  ['generate_series(timestamp,timestamp,interval)', '2024-01-31', '2024-05-01', '0'],
  ['generate_subscripts(anyarray,int4)', '{a,b,c}', '1'],
  ['unnest(anyarray)', '{{1,2},{3,NULL}}'],
  ['regexp_matches(text,text,text)', 'foobarbequebaz', 'ba(.)(.)', 'g'],
  ['regexp_matches(text,text)', 'foobarbequebaz', 'b..'],
  ['regexp_split_to_table(text,text)', 'the quick  brown', '\\s*'],
  ['regexp_split_to_table(text,text)', 'a,b,,c', ','],
  ['string_to_table(text,text)', 'a,b,,c', ','],
  ['string_to_table(text,text,text)', 'a,b,,c', ',', ''],
  ['json_each(json)', '{"b": [1, 2], "a": null, "b": "x"}'],
  ['json_each_text(json)', '{"b": [1, 2], "a": null, "c": "x\\ny"}'],
  ['jsonb_each(jsonb)', '{"b": [1, 2], "a": null, "b": "x"}'],
  ['jsonb_each_text(jsonb)', '{"b": [1, 2], "a": null, "bb": "x"}'],
  ['jsonb_each(jsonb)', '[1]'],
  ['json_each(json)', '[1]'],
  ['json_each(json)', '1'],
  ['json_array_elements(json)', '[1, {"a":2}, null, "x"]'],
  ['json_array_elements_text(json)', '[1, {"a":2}, null, "x"]'],
  ['jsonb_array_elements(jsonb)', '[1, {"a":2}, null, "x"]'],
  ['jsonb_array_elements(jsonb)', '{}'],
  ['jsonb_array_elements(jsonb)', '1'],
  ['json_array_elements(json)', '{}'],
  ['json_array_elements(json)', '1'],
  ['json_object_keys(json)', '{"b": 1, "a": 2, "b": 3}'],
  ['jsonb_object_keys(jsonb)', '{"bb": 1, "a": 2}'],
  ['json_object_keys(json)', '[]'],
  ['json_object_keys(json)', '1'],
  ['jsonb_object_keys(jsonb)', '[]'],
  ['jsonb_object_keys(jsonb)', '1'],
  ['pg_options_to_table(_text)', '{a=1,b=,c,"d=x=y"}'],
  ['pg_get_keywords()'],
]
