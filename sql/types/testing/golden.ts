// Golden files of type input (../golden/*.txt): what PostgreSQL 15 makes of many texts. One line each:
//
//   "12"        =>  12  |  0000000c              text and binary output
//   "12x"       =>  !22P02 invalid input syntax for type integer: "12x"  |  detail  |  hint
//
// golden/functions has calls instead of texts: ["power", "2", "0.5"] => result or error.
//
// The first line names type, send function and settings. BOREALIS_TEST_PG=port BOREALIS_GOLDEN=update
// rewrites what is behind the arrows; a new text is a line with nothing behind its arrow.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { TypeContext } from '../type.ts'
import { testContext } from './context.ts'
import type { Outcome } from './oracle.ts'

export interface GoldenFile {
  readonly path: string
  readonly name: string
  readonly type: string
  readonly send: string
  /** PostgreSQL settings, e.g. datestyle. */
  readonly settings: Readonly<Record<string, string>>
  readonly cases: readonly { readonly text: string; readonly expected: string }[]
}

/** Where we differ on purpose: file and text. */
export const KNOWN_DIFFERENCES: ReadonlySet<string> = new Set([
  // PostgreSQL 15 takes this ragged literal for an empty array, which later versions call a bug.
  '_int4.txt {{{2}},{1}}',
  // It overlooks one character behind a macaddr8.
  'macaddr8.txt 08:00:2b:01:02:03x',
  // Names of some local mean times (HMT, MMT), which Node's zone data does not have.
  'timestamptz-german.txt 1868-05-04 15:48:28 Pacific/Apia',
  'timestamptz-german.txt 1902-07-17 11:54:36 Africa/Casablanca',
  'timestamptz-german.txt 1890-02-26 17:51:54 America/Sao_Paulo',
])

const FOLDER = new URL('../golden/', import.meta.url)

let files: readonly GoldenFile[] | undefined

/** All golden files of type input, by name. */
export function goldenFiles(): readonly GoldenFile[] {
  files ??= readdirSync(FOLDER)
    .filter((name) => name.endsWith('.txt'))
    .sort()
    .map(readGolden)
  return files
}

/** The golden file of some functions: cases' texts are JSON arrays of a name and arguments. */
export function goldenFunctions(name: string): GoldenFile {
  return readGolden(`functions/${name}.txt`)
}

function readGolden(name: string): GoldenFile {
  const path = new URL(name, FOLDER).pathname
  const [head = '', ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n')
  const [type = '', send = '', ...settings] = head.replace('# ', '').split(' ; ')
  const cases = lines.map((line) => {
    const arrow = line.indexOf(' => ')
    const end = arrow < 0 ? line.length : arrow
    const given = JSON.parse(line.slice(0, end)) as string | string[]
    return {
      text: typeof given === 'string' ? given : JSON.stringify(given),
      expected: arrow < 0 ? '' : line.slice(arrow + 4),
    }
  })
  return {
    path,
    name,
    type,
    send,
    settings: Object.fromEntries(settings.map((item) => item.split('='))),
    cases,
  }
}

/** An outcome as golden files write it. */
export function formatOutcome(outcome: Outcome): string {
  const shown = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  if ('text' in outcome) return `${shown(outcome.text)} | ${outcome.binary}`.trimEnd()
  const { code, message, detail, hint } = outcome
  return `!${[`${code} ${shown(message)}`, shown(detail), shown(hint)].join(' | ').replace(/[ |]+$/, '')}`
}

export function writeGolden(file: GoldenFile, outcomes: readonly string[]): void {
  const settings = Object.entries(file.settings).map(([name, value]) => `${name}=${value}`)
  const head = `# ${[file.type, file.send, ...settings].join(' ; ')}`
  const isCall = file.name.startsWith('functions/')
  const lines = file.cases.map(({ text }, i) => `${isCall ? text : JSON.stringify(text)} => ${outcomes[i]}`)
  writeFileSync(file.path, `${[head, ...lines].join('\n')}\n`)
}

/** PostgreSQL's settings as a TypeContext. */
export function goldenContext({ settings }: GoldenFile): TypeContext {
  const [style = 'ISO', order = 'MDY'] = (settings['datestyle'] ?? '')
    .split(', ')
    .filter((word) => word !== '')
  return testContext({
    timeZone: settings['timezone'] ?? 'UTC',
    dateStyle: { style: style as 'ISO', order: order as 'MDY' },
    intervalStyle: (settings['intervalstyle'] ?? 'postgres') as 'postgres',
    extraFloatDigits: Number(settings['extra_float_digits'] ?? 1),
    byteaOutput: (settings['bytea_output'] ?? 'hex') as 'hex',
  })
}
