// Prints the fields of COPY TO in text and csv format (documentation: COPY, "File Formats").

import type { ByteWriter } from '../../../storage/base/byte-writer.ts'
import type { CopyOptions } from './copy-options.ts'

/** Writes one column's text (null: NULL) with whatever escapes or quotes it needs. */
export type FieldPrinter = (text: string | null, column: number, writer: ByteWriter) => void

export function fieldPrinter(options: CopyOptions, columnNames: readonly string[]): FieldPrinter {
  return options.format === 'csv' ? csvPrinter(options, columnNames) : textPrinter(options)
}

const TEXT_ESCAPES: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
}

function textPrinter(options: CopyOptions): FieldPrinter {
  const delimiter = options.delimiter
  const pattern = new RegExp(`[\\b\\f\\n\\r\\t\\v\\\\${delimiter.replace(/[\]^\\-]/g, '\\$&')}]`)
  const global = new RegExp(pattern.source, 'g')
  return (text, _column, writer) => {
    if (text === null) writer.utf8(options.nullText)
    else if (pattern.test(text)) writer.utf8(text.replace(global, (c) => TEXT_ESCAPES[c] ?? `\\${c}`))
    else writer.utf8(text)
  }
}

function csvPrinter(options: CopyOptions, columnNames: readonly string[]): FieldPrinter {
  const { quote, escape, delimiter, nullText } = options
  const force = options.forceQuote
  const isForced = columnNames.map((name) => force === 'all' || force.includes(name))
  const isSingle = columnNames.length === 1
  return (text, column, writer) => {
    if (text === null) {
      writer.utf8(nullText)
      return
    }
    const needsQuotes =
      isForced[column] === true ||
      text === nullText ||
      text.includes(delimiter) ||
      text.includes(quote) ||
      text.includes('\n') ||
      text.includes('\r') ||
      (isSingle && text === '\\.')
    if (!needsQuotes) {
      writer.utf8(text)
      return
    }
    let escaped = text
    if (escape !== quote) escaped = escaped.replaceAll(escape, escape + escape)
    escaped = escaped.replaceAll(quote, escape + quote)
    writer.utf8(`${quote}${escaped}${quote}`)
  }
}
