// SQL's spellings of type names as regtype input takes them: `integer`, `character varying(10)[]`, `timestamp(3) with
// time zone`. Everything else is a (qualified) name.

const SPELLINGS: Readonly<Record<string, string>> = {
  int: 'int4',
  integer: 'int4',
  bigint: 'int8',
  smallint: 'int2',
  real: 'float4',
  float: 'float8',
  'double precision': 'float8',
  decimal: 'numeric',
  dec: 'numeric',
  numeric: 'numeric',
  boolean: 'bool',
  character: 'bpchar',
  char: 'bpchar',
  nchar: 'bpchar',
  'national character': 'bpchar',
  'national char': 'bpchar',
  'character varying': 'varchar',
  'char varying': 'varchar',
  'national character varying': 'varchar',
  varchar: 'varchar',
  bit: 'bit',
  'bit varying': 'varbit',
  time: 'time',
  'time without time zone': 'time',
  'time with time zone': 'timetz',
  timestamp: 'timestamp',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
  interval: 'interval',
}

export interface SqlTypeName {
  readonly base: { readonly builtin: string | undefined; readonly text: string }
  /** Array bounds written behind it. */
  readonly dimensions: number
}

/** Takes a type's text apart; modifiers in parentheses are dropped. */
export function sqlTypeName(text: string): SqlTypeName {
  let rest = text.trim()
  let dimensions = 0
  for (let match = /\s*(\[\d*\]|\barray(\s*\[\d*\])?)\s*$/i.exec(rest); match !== null && match.index > 0;) {
    rest = rest.slice(0, match.index)
    dimensions++
    match = /\s*\[\d*\]\s*$/.exec(rest)
  }
  const withoutModifier = rest
    .replace(/\([^)]*\)/, ' ')
    .trim()
    .replaceAll(/\s+/g, ' ')
  const precision = /^float\s*\(\s*(\d+)\s*\)$/i.exec(rest)
  const builtin =
    precision !== null && Number(precision[1]) <= 24 ? 'float4' : SPELLINGS[withoutModifier.toLowerCase()]
  return { base: { builtin, text: withoutModifier }, dimensions }
}
