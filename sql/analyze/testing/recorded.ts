// PostgreSQL's answers, recorded: a text file of statements, each followed by its answer, indented. With UPDATE_GOLDEN=1
// and a PostgreSQL to ask (BOREALIS_TEST_PG) the files are written anew.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** Whether this run records instead of comparing. */
export const IS_RECORDING: boolean = process.env['UPDATE_GOLDEN'] !== undefined

/** The answers in a file, by statement. */
export function readRecorded(url: URL): Map<string, string> {
  const answers = new Map<string, string>()
  if (!existsSync(url)) return answers
  let statement: string | undefined
  for (const line of readFileSync(url, 'utf8').split('\n')) {
    if (!line.startsWith('\t')) statement = line
    else if (statement !== undefined) {
      const before = answers.get(statement)
      answers.set(statement, before === undefined ? line.slice(1) : `${before}\n${line.slice(1)}`)
    }
  }
  return answers
}

export function writeRecorded(url: URL, answers: ReadonlyMap<string, string>): void {
  const indent = (answer: string): string => answer.replaceAll(/^/gm, '\t')
  writeFileSync(url, [...answers].map(([statement, answer]) => `${statement}\n${indent(answer)}\n`).join(''))
}
