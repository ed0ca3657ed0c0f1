// The startup parameter `options`: settings in the form of PostgreSQL's own command line, `-c name=value` and
// `--name=value`, separated by white space that a backslash keeps (postgres.c, pg_split_opts and process_postgres_switches).

import type { SqlError } from '../../sql/types/sql-error.ts'
import { fatal } from './wire-error.ts'

const ARGUMENT = /(?:[^\s\\]|\\[\s\S]?)+/g

/** Settings by name, in the order given. Throws SqlError FATAL 42601. */
export function parseCommandLineOptions(text: string): Map<string, string> {
  const settings = new Map<string, string>()
  const args = (text.match(ARGUMENT) ?? []).map((arg) => arg.replaceAll(/\\([\s\S]?)/g, '$1'))
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (arg.startsWith('--')) {
      addSetting(settings, arg.slice('--'.length), '--')
    } else if (arg.startsWith('-c')) {
      const inSameWord = arg.slice('-c'.length)
      addSetting(settings, inSameWord === '' ? (args[++i] ?? '') : inSameWord, '-c ')
    } else {
      throw invalidArgument(arg)
    }
  }
  return settings
}

function addSetting(settings: Map<string, string>, text: string, prefix: string): void {
  if (text === '') throw invalidArgument(prefix.trim())
  const at = text.indexOf('=')
  if (at < 0) throw fatal('42601', `${prefix}${text} requires a value`)
  settings.set(text.slice(0, at).replaceAll('-', '_'), text.slice(at + 1))
}

function invalidArgument(arg: string): SqlError {
  return fatal('42601', `invalid command-line argument for server process: ${arg}`, {
    hint: 'Try "postgres --help" for more information.',
  })
}
