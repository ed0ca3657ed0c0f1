// float4 and float8. Output is the shortest text that reads back as the same number (extra_float_digits > 0),
// or rounded to 6 + extra (15 + extra) digits as printf's %g would (documentation, section 8.1.3).

import type { Behaviour } from './define-type.ts'
import { expectBytes, invalidSyntax, trimSpace } from './input-errors.ts'
import { writeKeyFloat8 } from './key-bytes.ts'
import { SqlError } from './sql-error.ts'

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const HEXADECIMAL = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)(?:[pP]([+-]?\d+))?$/
const SPECIALS: ReadonlyMap<string, number> = new Map([
  ['nan', NaN],
  ['inf', Infinity],
  ['+inf', Infinity],
  ['-inf', -Infinity],
  ['infinity', Infinity],
  ['+infinity', Infinity],
  ['-infinity', -Infinity],
])

/**
 * Parses as C's strtod does, and rounds to float4 when asked. 22P02, or 22003 when too large or too small.
 */
export function parseFloatText(text: string, isFloat4: boolean): number {
  const typeName = isFloat4 ? 'real' : 'double precision'
  const word = trimSpace(text)
  if (!DECIMAL.test(word)) {
    const special = SPECIALS.get(word.toLowerCase())
    if (special !== undefined) return special
  }
  const exact = DECIMAL.test(word) ? Number(word) : parseHexadecimal(word)
  if (exact === undefined) throw invalidSyntax(typeName, text)
  const value = isFloat4 ? roundToFloat4(exact, word) : exact
  const isLost = value === 0 && /[1-9a-f]/i.test(word.replace(/^[+-]?0x/i, '').replace(/[ep].*$/i, ''))
  if (isLost || !Number.isFinite(value))
    throw new SqlError('22003', `"${word}" is out of range for type ${typeName}`)
  return value
}

function parseHexadecimal(word: string): number | undefined {
  const match = HEXADECIMAL.exec(word)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  if (whole === '' && fraction === '') return undefined
  const value = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - fraction.length * 4)
  return sign === '-' ? -value : value
}

const scratch = new DataView(new ArrayBuffer(8))

/**
 * Rounds a decimal to float4 once. Going through float8 rounds twice, which differs only where the float8
 * lies exactly between two float4: there the decimal itself decides.
 */
function roundToFloat4(exact: number, word: string): number {
  scratch.setFloat64(0, exact)
  if ((scratch.getInt32(4) & 0x1fff_ffff) !== 0x1000_0000) return Math.fround(exact)
  const order = compareDecimal(word, exact)
  return order === 0 ? Math.fround(exact) : Math.fround(exact * (1 + (order > 0 ? 1 : -1) * 2 ** -51))
}

/** Compares the magnitude of a decimal text with a float8's exact value. */
function compareDecimal(word: string, value: number): number {
  const [mantissa = '', exponent = '0'] = word.replace(/^[+-]/, '').toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const scale = Number(exponent) - fraction.length
  let left = BigInt(whole + fraction)
  let right = Math.abs(value)
  let shift = 0
  while (!Number.isInteger(right)) {
    right *= 2
    shift++
  }
  let big = BigInt(right)
  if (scale >= 0) left *= 10n ** BigInt(scale)
  else big *= 10n ** BigInt(-scale)
  left <<= BigInt(shift)
  return left < big ? -1 : left > big ? 1 : 0
}

/** Text of a float8. */
export function formatFloat8(value: number, extraDigits: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value < 0 ? '-Infinity' : 'Infinity'
  if (Object.is(value, -0)) return '-0'
  if (extraDigits <= 0) return formatGeneral(value, Math.max(15 + extraDigits, 1))
  const magnitude = Math.abs(value)
  // JavaScript prints plain digits from 1e-6 to 1e21; PostgreSQL from 1e-4 to 1e15.
  if (magnitude >= 1e-4 && magnitude < 1e15) return String(value)
  if (magnitude === 0) return '0'
  return spreadExponent(magnitude >= 2 ** 53 ? shortestLarge(value) : value.toExponential(), 15)
}

/**
 * JavaScript and PostgreSQL both print the shortest digits that read back, but JavaScript also takes digits
 * that lie exactly half-way to the neighbour when rounding to even brings them back; PostgreSQL wants one
 * digit more then. Only integers above 2^53 can have such half-way points with few digits.
 */
function shortestLarge(value: number): string {
  const text = value.toExponential()
  const digits = BigInt(value < 0 ? -value : value)
  scratch.setFloat64(0, Math.abs(value))
  const exponent = (scratch.getUint32(0) >>> 20) - 1075
  if (exponent < 1 || exponent > 80) return text
  const halfway = 1n << BigInt(exponent - 1)
  const [mantissa = '', power = '0'] = text.replace('-', '').split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const printed = BigInt(whole + fraction) * 10n ** BigInt(Number(power) - fraction.length)
  const distance = printed > digits ? printed - digits : digits - printed
  if (distance !== halfway) return text
  for (let count = fraction.length + 1; count <= 15; count++) {
    const longer = trimMantissa(value.toExponential(count))
    if (Number(longer) === value && longer !== text) return longer
  }
  return value.toExponential(16)
}

/** Text of a float4. */
export function formatFloat4(value: number, extraDigits: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value < 0 ? '-Infinity' : 'Infinity'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  if (extraDigits <= 0) return formatGeneral(value, Math.max(6 + extraDigits, 1))
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value)
  return spreadExponent(shortestFloat4(value), 6)
}

/** The fewest digits that read back as the same float4, in exponential form. */
function shortestFloat4(value: number): string {
  // A float4 keeps any 6 digits, except denormals, which may need only one.
  for (let digits = Math.abs(value) < 1.2e-38 ? 1 : 6; digits <= 9; digits++) {
    const text = value.toExponential(digits - 1)
    if (Math.fround(Number(text)) === value) return trimMantissa(text)
    const above = nextAbove(text, digits, value)
    if (above !== undefined) return trimMantissa(above)
  }
  return trimMantissa(value.toExponential(8))
}

/**
 * Below a power of two floats lie twice as dense as above, so that the nearest decimal, below, may not read
 * back while the next one above does.
 */
function nextAbove(text: string, digits: number, value: number): string | undefined {
  scratch.setFloat32(0, value)
  if ((scratch.getInt32(0) & 0x7f_ffff) !== 0) return undefined
  const [mantissa = '', power = '0'] = text.split('e')
  const next = `${(BigInt(mantissa.replace(/[-.]/g, '')) + 1n).toString()}e${Number(power) - digits + 1}`
  const signed = value < 0 ? -Number(next) : Number(next)
  return Math.fround(signed) === value ? signed.toExponential(digits - 1) : undefined
}

/** 1.500e+3 -> 1.5e+3 */
function trimMantissa(text: string): string {
  return text.replace(/\.?0+e/, 'e')
}

/**
 * Turns exponential form into plain digits for exponents in [-4, limit), else into PostgreSQL's 1.5e+20,
 * 1e-07.
 */
function spreadExponent(text: string, limit: number): string {
  const at = text.indexOf('e')
  const exponent = Number(text.slice(at + 1))
  const negative = text.startsWith('-')
  const mantissa = text.slice(negative ? 1 : 0, at)
  const digits = mantissa.replace('.', '')
  const sign = negative ? '-' : ''
  if (exponent < -4 || exponent >= limit) {
    const power = String(Math.abs(exponent)).padStart(2, '0')
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${power}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, '0')
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`
}

/** printf("%.*g") */
function formatGeneral(value: number, digits: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  return spreadExponent(trimMantissa(value.toExponential(digits - 1)), digits)
}

/** PostgreSQL's order: NaN equals itself and lies above all. */
export function compareFloats(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  if (a === b) return 0
  return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : -1
}

export const float8Behaviour: Behaviour<number> = {
  input: (text) => parseFloatText(text, false),
  output: (value, context) => formatFloat8(value, context.extraFloatDigits),
  receive(bytes, start, end) {
    expectBytes(start, end, 8)
    return bytes.readDoubleBE(start)
  },
  send(value, writer) {
    writer.reserve(8)
    writer.length = writer.bytes.writeDoubleBE(value, writer.length)
  },
  compare: compareFloats,
  hashKey: (value) => value,
  encodeKey: writeKeyFloat8,
  rowSlot: 'float8',
}

export const float4Behaviour: Behaviour<number> = {
  input: (text) => parseFloatText(text, true),
  output: (value, context) => formatFloat4(value, context.extraFloatDigits),
  receive(bytes, start, end) {
    expectBytes(start, end, 4)
    return bytes.readFloatBE(start)
  },
  send(value, writer) {
    writer.reserve(4)
    writer.length = writer.bytes.writeFloatBE(value, writer.length)
  },
  compare: compareFloats,
  hashKey: (value) => value,
  encodeKey: writeKeyFloat8,
  rowSlot: 'float4',
}
