// Functions of bool (documentation, section 9.1). AND, OR and NOT are no functions: the executor has them.

import type { Definitions } from './definition.ts'

export const booleanFunctions: Definitions = {
  'booland_statefunc(bool,bool)': { call: (a: boolean, b: boolean) => a && b },
  'boolor_statefunc(bool,bool)': { call: (a: boolean, b: boolean) => a || b },
}
