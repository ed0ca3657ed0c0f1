// money in the C locale: dollars and cents (documentation, section 8.2). The value is cents as Int8.

import type { Behaviour } from './define-type.ts'
import { invalidSyntax, trimSpace, valueOutOfRange } from './input-errors.ts'
import { INT8_MAX, INT8_MIN } from './int8.ts'
import { int8Behaviour } from './integer-types.ts'
import { int8, type Int8 } from './value.ts'

const MONEY = /^(\()?\s*([+-]?)\s*\$?\s*([+-]?)\s*([\d,]*)(?:\.(\d*))?([\s)$-]*)$/

function parseMoney(text: string): Int8 {
  const match = MONEY.exec(trimSpace(text))
  if (match === null) throw invalidSyntax('money', text)
  const [, open, signBefore, signAfter, whole = '', fraction = '', tail = ''] = match
  const digits = `${whole.replaceAll(',', '')}${fraction.slice(0, 2).padEnd(2, '0')}`
  let cents = BigInt(digits)
  if ((fraction[2] ?? '0') >= '5') cents += 1n
  if (open !== undefined || signBefore === '-' || signAfter === '-' || /[)-]/.test(tail)) cents = -cents
  if (cents < INT8_MIN || cents > INT8_MAX) throw valueOutOfRange('money', text)
  return int8(cents)
}

function formatMoney(value: Int8): string {
  const cents = BigInt(value)
  const digits = (cents < 0n ? -cents : cents).toString().padStart(3, '0')
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',')
  return `${cents < 0n ? '-' : ''}$${whole}.${digits.slice(-2)}`
}

export const moneyBehaviour: Behaviour<Int8> = {
  ...int8Behaviour,
  input: parseMoney,
  output: formatMoney,
  writeText: (value, writer) => void writer.utf8(formatMoney(value)),
}
