// Functions of bool (documentation, section 9.1). AND, OR and NOT are no functions: the executor has them.

import type { Definitions } from './definition.ts'

export const booleanFunctions: Definitions = {
  'bool(int4)': { call: (a: number) => a !== 0 },
  'int4(bool)': { call: (a: boolean) => (a ? 1 : 0) },
  'text(bool)': { call: (a: boolean) => (a ? 'true' : 'false') },
  'booland_statefunc(bool,bool)': { call: (a: boolean, b: boolean) => a && b },
  'boolor_statefunc(bool,bool)': { call: (a: boolean, b: boolean) => a || b },
}
