// Pseudo-types (documentation, section 8.21): void has one value, the others none; nobody can type or print
// one.

import type { Behaviour } from './define-type.ts'
import { SqlError } from './sql-error.ts'

export const voidBehaviour: Behaviour<string> = {
  input: () => '',
  output: () => '',
  receive: () => '',
  send: () => undefined,
}

/** any, anyelement, internal, trigger, ... */
export function pseudoBehaviour(name: string): Behaviour<never> {
  const refuse = (verb: string) => (): never => {
    throw new SqlError('0A000', `cannot ${verb} a value of type ${name}`)
  }
  return {
    input: refuse('accept'),
    output: refuse('display'),
    receive: refuse('accept'),
    send: refuse('display'),
  }
}
