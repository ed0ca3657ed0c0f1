// COPY's options, from the parse tree's WITH list to a checked record (documentation: COPY). Both spellings of the
// grammar arrive here as DefElem nodes.

import { SqlError, unsupported } from '../../types/sql-error.ts'

export interface CopyOptions {
  readonly format: 'text' | 'csv' | 'binary'
  readonly delimiter: string
  readonly nullText: string
  readonly header: 'none' | 'skip' | 'match'
  readonly quote: string
  readonly escape: string
  /** Column names, or all. */
  readonly forceQuote: readonly string[] | 'all'
  readonly forceNotNull: readonly string[]
  readonly forceNull: readonly string[]
}

/** One option as the statement gives it: `value` is undefined for a bare word. */
export interface CopyOption {
  readonly name: string
  readonly value: string | readonly string[] | undefined
  readonly position: number | undefined
}

export function copyOptions(options: readonly CopyOption[], isFrom: boolean): CopyOptions {
  const seen = new Map<string, CopyOption>()
  for (const option of options) {
    if (seen.has(option.name)) {
      throw new SqlError('42601', 'conflicting or redundant options', { position: option.position })
    }
    seen.set(option.name, option)
  }
  for (const option of seen.values()) checkName(option)
  const format = formatOf(seen.get('format'))
  const isCsv = format === 'csv'
  const quote = text(seen.get('quote')) ?? '"'
  const result: CopyOptions = {
    format,
    delimiter: text(seen.get('delimiter')) ?? (isCsv ? ',' : '\t'),
    nullText: text(seen.get('null')) ?? (isCsv ? '' : '\\N'),
    header: headerOf(seen.get('header'), isFrom),
    quote,
    escape: text(seen.get('escape')) ?? quote,
    forceQuote: list(seen.get('force_quote')),
    forceNotNull: names(seen.get('force_not_null')),
    forceNull: names(seen.get('force_null')),
  }
  checkOptions(result, seen, isFrom)
  return result
}

const KNOWN: ReadonlySet<string> = new Set([
  'format',
  'freeze',
  'delimiter',
  'null',
  'header',
  'quote',
  'escape',
  'force_quote',
  'force_not_null',
  'force_null',
  'encoding',
])

function checkName(option: CopyOption): void {
  if (!KNOWN.has(option.name)) {
    throw new SqlError('42601', `option "${option.name}" not recognized`, { position: option.position })
  }
  if (option.name === 'encoding' && !/^(utf-?8|sql_ascii)$/i.test(text(option) ?? '')) {
    throw unsupported(`COPY with encoding "${text(option)}"`, option.position)
  }
}

function text(option: CopyOption | undefined): string | undefined {
  return typeof option?.value === 'string' ? option.value : undefined
}

function list(option: CopyOption | undefined): readonly string[] | 'all' {
  if (option === undefined) return []
  return option.value === '*' ? 'all' : names(option)
}

function names(option: CopyOption | undefined): readonly string[] {
  return Array.isArray(option?.value) ? (option.value as readonly string[]) : []
}

function formatOf(option: CopyOption | undefined): CopyOptions['format'] {
  const name = text(option) ?? 'text'
  if (name === 'text' || name === 'csv' || name === 'binary') return name
  throw new SqlError('22023', `COPY format "${name}" not recognized`, { position: option?.position })
}

function headerOf(option: CopyOption | undefined, isFrom: boolean): CopyOptions['header'] {
  if (option === undefined) return 'none'
  const value = (text(option) ?? 'true').toLowerCase()
  if (value === 'true' || value === 'on' || value === '1') return 'skip'
  if (value === 'false' || value === 'off' || value === '0') return 'none'
  if (value === 'match') {
    if (!isFrom) throw new SqlError('0A000', 'cannot use "match" with HEADER in COPY TO')
    return 'match'
  }
  throw new SqlError('42601', 'header requires a Boolean value or "match"')
}

function checkOptions(options: CopyOptions, seen: ReadonlyMap<string, CopyOption>, isFrom: boolean): void {
  const { format, delimiter, nullText, quote, escape } = options
  const isCsv = format === 'csv'
  if (format === 'binary') {
    if (seen.has('delimiter')) throw new SqlError('42601', 'cannot specify DELIMITER in BINARY mode')
    if (seen.has('null')) throw new SqlError('42601', 'cannot specify NULL in BINARY mode')
    if (options.header !== 'none') throw new SqlError('0A000', 'cannot specify HEADER in BINARY mode')
    return
  }
  if (Buffer.byteLength(delimiter) !== 1)
    throw new SqlError('0A000', 'COPY delimiter must be a single one-byte character')
  if (/[\r\n]/.test(delimiter))
    throw new SqlError('22023', 'COPY delimiter cannot be newline or carriage return')
  if (/[\r\n]/.test(nullText)) {
    throw new SqlError('22023', 'COPY null representation cannot use newline or carriage return')
  }
  if (!isCsv && /[\\.a-z0-9]/.test(delimiter)) {
    throw new SqlError('22023', `COPY delimiter cannot be "${delimiter}"`)
  }
  checkCsvOnly(options, seen, isFrom)
  if (isCsv && Buffer.byteLength(quote) !== 1) {
    throw new SqlError('0A000', 'COPY quote must be a single one-byte character')
  }
  if (isCsv && delimiter === quote) throw new SqlError('22023', 'COPY delimiter and quote must be different')
  if (isCsv && Buffer.byteLength(escape) !== 1) {
    throw new SqlError('0A000', 'COPY escape must be a single one-byte character')
  }
  if (nullText.includes(delimiter)) {
    throw new SqlError('22023', 'COPY delimiter must not appear in the NULL specification')
  }
  if (isCsv && nullText.includes(quote)) {
    throw new SqlError('22023', 'CSV quote character must not appear in the NULL specification')
  }
}

function checkCsvOnly(options: CopyOptions, seen: ReadonlyMap<string, CopyOption>, isFrom: boolean): void {
  const isCsv = options.format === 'csv'
  for (const [name, label] of [
    ['quote', 'COPY quote'],
    ['escape', 'COPY escape'],
    ['force_quote', 'COPY force quote'],
    ['force_not_null', 'COPY force not null'],
    ['force_null', 'COPY force null'],
  ] as const) {
    if (!isCsv && seen.has(name)) throw new SqlError('0A000', `${label} available only in CSV mode`)
  }
  if (isFrom && seen.has('force_quote'))
    throw new SqlError('0A000', 'COPY force quote only available using COPY TO')
  if (!isFrom && seen.has('force_not_null')) {
    throw new SqlError('0A000', 'COPY force not null only available using COPY FROM')
  }
  if (!isFrom && seen.has('force_null'))
    throw new SqlError('0A000', 'COPY force null only available using COPY FROM')
}
