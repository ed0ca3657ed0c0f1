// A result as a person or a program wants it: columns under each other, or an array of JSON objects.

export interface ResultTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
}

/** As psql prints it: a header, a line, the rows, their number. */
export function formatTable({ columns, rows }: ResultTable): string {
  const cells = rows.map((row) => columns.map((_, i) => textOf(row[i])))
  const widths = columns.map((column, i) =>
    Math.max(column.length, ...cells.map((row) => row[i]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => ` ${cell.padEnd(widths[i] ?? 0)} `)
      .join('|')
      .trimEnd()
  const rule = widths.map((width) => '-'.repeat(width + 2)).join('+')
  const count = rows.length === 1 ? '(1 row)' : `(${rows.length} rows)`
  return [line(columns), rule, ...cells.map(line), count, ''].join('\n')
}

export function formatJson({ columns, rows }: ResultTable): string {
  const objects = rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null])))
  return `${JSON.stringify(objects, undefined, 2)}\n`
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
