// Arithmetic of float4 and float8 and of what mixes them (documentation, section 9.3). Mixed ones compute in float8.

import { must } from '../../storage/base/assert.ts'
import { type Definition, type Definitions, collect, inlinedCall } from './definition.ts'
import {
  addFloat,
  addFloat4,
  compareFloat,
  divideFloat,
  divideFloat4,
  multiplyFloat,
  multiplyFloat4,
  subtractFloat,
  subtractFloat4,
} from './range-check.ts'

const scope = {
  addFloat,
  addFloat4,
  divideFloat,
  divideFloat4,
  multiplyFloat,
  multiplyFloat4,
  subtractFloat,
  subtractFloat4,
}

type Operation = keyof typeof scope

function* arithmetic(
  prefix: string,
  types: string,
  operations: readonly Operation[],
): Iterable<readonly [string, Definition]> {
  for (const [i, name] of ['pl', 'mi', 'mul', 'div'].entries()) {
    yield [`${prefix}${name}(${types})`, inlinedCall(scope, must(operations[i]))]
  }
}

const double: readonly Operation[] = ['addFloat', 'subtractFloat', 'multiplyFloat', 'divideFloat']
const single: readonly Operation[] = ['addFloat4', 'subtractFloat4', 'multiplyFloat4', 'divideFloat4']

const larger = (a: number, b: number): number => (compareFloat(a, b) > 0 ? a : b)
const smaller = (a: number, b: number): number => (compareFloat(a, b) < 0 ? a : b)

const unary: Definitions = collect(
  ['float4', 'float8'].flatMap((type): [string, Definition][] => [
    [`${type}um(${type})`, { call: (a: number) => -a }],
    [`${type}up(${type})`, { call: (a: number) => a }],
    [`${type}abs(${type})`, { call: (a: number) => Math.abs(a) }],
    [`abs(${type})`, { call: (a: number) => Math.abs(a) }],
    [`${type}larger(${type},${type})`, { call: larger }],
    [`${type}smaller(${type},${type})`, { call: smaller }],
  ]),
)

export const floatFunctions: Definitions = {
  ...collect([
    ...arithmetic('float8', 'float8,float8', double),
    ...arithmetic('float48', 'float4,float8', double),
    ...arithmetic('float84', 'float8,float4', double),
    ...arithmetic('float4', 'float4,float4', single),
  ]),
  ...unary,
}
