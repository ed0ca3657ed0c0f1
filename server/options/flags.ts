// Flags of a command, read from four places: flag, environment, configuration file, default, in this order. A command is
// a table of flags; the parser, the environment names and the help text follow from it.

import { isIPv4, isIPv6 } from 'node:net'
import { StartError } from '../start-error.ts'

export interface Flag<Options> {
  readonly name: string
  /** Undefined: a switch, on when it is given. */
  readonly placeholder: string | undefined
  readonly help: string
  /** Reads the value ('true' or 'false' of a switch), or throws BadValue, which says what was expected. */
  readonly read: (text: string) => Partial<Options>
}

/** Where the texts of the values come from. */
export interface FlagSources {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readFile: (path: string) => string
}

const CONFIG_FLAG = 'config'

type Named = readonly Pick<Flag<never>, 'name' | 'placeholder' | 'help'>[]

/** The options that a table makes of its sources. Throws StartError. */
export function readFlagTable<Options>(
  flags: readonly Flag<Options>[],
  defaults: Options,
  sources: FlagSources,
): Options {
  const { env } = sources
  const given = readFlags(flags, sources.args)
  const configPath = given.get(CONFIG_FLAG) ?? env[environmentName(CONFIG_FLAG)]
  const configured =
    configPath === undefined ? new Map<string, string>() : readConfig(flags, configPath, sources.readFile)
  let options = defaults
  for (const flag of flags) {
    const name = environmentName(flag.name)
    if (given.has(flag.name)) options = apply(options, flag, given.get(flag.name) ?? '', `--${flag.name}`)
    else if (env[name] !== undefined) options = apply(options, flag, env[name], name)
    else if (configured.has(flag.name))
      options = apply(options, flag, configured.get(flag.name) ?? '', `${flag.name} in ${configPath}`)
  }
  return options
}

/** Lines of the help text, one for each flag. */
export function flagTableHelp(flags: Named): string {
  const rows = flags.map(
    ({ name, placeholder = '', help }) => [`--${name} ${placeholder}`.trim(), help] as const,
  )
  const all = [...rows, [`--${CONFIG_FLAG} FILE`, 'lines of NAME = VALUE, names as the flags above'] as const]
  const width = Math.max(...all.map(([left]) => left.length))
  return all.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}

function apply<Options>(options: Options, flag: Flag<Options>, text: string, source: string): Options {
  try {
    return { ...options, ...flag.read(text) }
  } catch (error) {
    if (!(error instanceof BadValue)) throw error
    throw new StartError(`${source}: "${text}" ${error.message}`)
  }
}

function readFlags(flags: Named, args: readonly string[]): Map<string, string> {
  const given = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    const match = /^--([a-z-]+)(?:=(.*))?$/s.exec(arg)
    const name = match?.[1] ?? ''
    const flag = flags.find((one) => one.name === name)
    if (name !== CONFIG_FLAG && flag === undefined)
      throw new StartError(`unknown option "${arg}"; see --help`)
    const isSwitch = flag !== undefined && flag.placeholder === undefined
    const value = match?.[2] ?? (isSwitch ? 'true' : args[++i])
    if (value === undefined) throw new StartError(`--${name} needs a value; see --help`)
    given.set(name, value)
  }
  return given
}

function readConfig(flags: Named, path: string, readFile: (path: string) => string): Map<string, string> {
  let text: string
  try {
    text = readFile(path)
  } catch (error) {
    throw new StartError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
  const configured = new Map<string, string>()
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.trim()
    if (content === '' || content.startsWith('#')) continue
    const match = /^([a-z-]+)\s*=\s*(?:'([^']*)'|([^#]*?))\s*(?:#.*)?$/.exec(content)
    const name = match?.[1] ?? ''
    if (!flags.some((flag) => flag.name === name)) {
      throw new StartError(
        `${path}:${index + 1}: expected NAME = VALUE with the name of a flag, found "${content}"`,
      )
    }
    configured.set(name, match?.[2] ?? match?.[3] ?? '')
  }
  return configured
}

function environmentName(flagName: string): string {
  return `BOREALIS_${flagName.replaceAll('-', '_').toUpperCase()}`
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIPv4(host) ? host.startsWith('127.') : isIPv6(host) && /^::ffff:127\./i.test(host)
}

// ── Values ──

export const PORT_MAX = 65_535
export const DURATION_MS_MAX = 0x7fff_ffff
export const LOG_LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

export const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
  tb: 1024 ** 4,
}
export const TIME_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
}

export class BadValue extends Error {}

export function nonEmpty(text: string): string {
  if (text === '') throw new BadValue('is empty')
  return text
}

export function integer(text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : -1
  if (value < min || value > max) throw new BadValue(`is not an integer from ${min} to ${max}`)
  return value
}

export function oneOf<T extends string>(text: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text)
  if (found === undefined) throw new BadValue(`is not one of ${allowed.join(', ')}`)
  return found
}

export function quantity(
  text: string,
  units: Readonly<Record<string, number>>,
  min: number,
  max: number,
): number {
  const match = /^(\d{1,15})\s*([a-zA-Z]*)$/.exec(text)
  const unit = match === null ? undefined : units[(match[2] ?? '').toLowerCase()]
  const value = unit === undefined ? -1 : Number(match?.[1]) * unit
  const names = Object.keys(units)
    .filter((name) => name !== '')
    .join(', ')
  if (value < 0) throw new BadValue(`is not a number with a unit (${names})`)
  if (value < min || value > max) throw new BadValue(`is not between ${min} and ${max}`)
  return value
}

/** The value of a switch. */
export function isOn(text: string): boolean {
  const word = oneOf(text, ['true', 'on', 'false', 'off'])
  return word === 'true' || word === 'on'
}
