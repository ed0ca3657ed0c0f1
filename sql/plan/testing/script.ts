// Scripts of statements for comparisons: a part that sets up, a line of dashes, then the statements that are compared.

import { readFileSync } from 'node:fs'

export interface Script {
  readonly setup: readonly string[]
  readonly statements: readonly string[]
}

export function readScript(name: string): Script {
  const text = readFileSync(new URL(`./${name}.sql`, import.meta.url), 'utf8')
  const [setup, statements] = text.split('-----\n')
  return { setup: split(setup), statements: split(statements) }
}

function split(text: string | undefined): string[] {
  const code = (text ?? '').split('\n').filter((line) => !line.startsWith('--'))
  return code
    .join('\n')
    .split(';\n')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}

/** Rows in no particular order unless the statement gives one. */
export function comparable(statement: string, rows: readonly string[]): readonly string[] {
  return /order by/i.test(statement) ? rows : [...rows].sort()
}
