// How a built-in function is written down: under its signature, with what it does. What PostgreSQL's catalog knows of
// it (oid, strictness, volatility, argument names, ...) is not repeated here but joined from facts.ts by the registry.
//
//   'int4pl(int4,int4)': { call: (a: number, b: number) => toInt4(a + b), inline: (a, b) => `toInt4(${a} + ${b})`, ... }
//
// A signature is the name and the argument types' pg_type.typname, as in pg_proc: text[] is _text, char(n) is bpchar.

import type { AggregateFunction, FunctionContext, ScalarFunction } from './function.ts'
import type { Row, Value } from '../types/value.ts'

/** A scalar function: called with its arguments only. */
export interface PlainDefinition {
  readonly call: (...args: never[]) => Value
  readonly inline?: ScalarFunction['inline']
  readonly inlineScope?: ScalarFunction['inlineScope']
}

/** A scalar function that is called with the session's context first. */
export interface ContextDefinition {
  readonly context: (context: FunctionContext, ...args: never[]) => Value
}

/** A scalar function that must know its actual argument types. The made function gets the context first. */
export interface TypedDefinition {
  readonly specialise: (
    argumentTypes: readonly number[],
    returnType: number,
    variadicArray: boolean,
  ) => (context: FunctionContext, ...args: never[]) => Value
}

/** A set-returning function; it always gets the context first. */
export interface SetDefinition {
  readonly rows: (context: FunctionContext, ...args: never[]) => Iterable<Value | Row>
}

/** A set-returning function that depends on the types or the column definition list of its call. */
export interface TypedSetDefinition {
  readonly specialiseRows: (
    argumentTypes: readonly number[],
    returnType: number,
    columns: readonly { readonly name: string; readonly type: number; readonly typmod: number }[],
  ) => (context: FunctionContext, ...args: never[]) => Iterable<Value | Row>
}

/** An aggregate; `strict` unless said otherwise. */
export interface AggregateDefinition<State = never> {
  readonly strict?: boolean | undefined
  readonly init: (context: FunctionContext, argumentTypes: readonly number[]) => State
  readonly step: (state: State, ...args: never[]) => State
  readonly final: (state: State, context: FunctionContext, ...directArguments: Value[]) => Value
  readonly combine?: AggregateFunction['combine']
}

/** A window function has no code here: the window operator knows it by name. */
export interface WindowDefinition {
  readonly window: true
}

export type Definition =
  | PlainDefinition
  | ContextDefinition
  | TypedDefinition
  | SetDefinition
  | TypedSetDefinition
  | AggregateDefinition
  | WindowDefinition

export type Definitions = Readonly<Record<string, Definition>>

/**
 * A function of `scope`, called by its name there. What a function calls itself (Function.name) is no name to use in
 * generated source: a bundler renames functions.
 */
export function inlinedCall<Name extends string>(
  scope: Readonly<Record<Name, (...args: never[]) => Value>>,
  name: Name,
): Definition {
  return inlined(scope[name], (...args) => `${name}(${args.join(', ')})`, scope)
}

/** A definition's inline form and its call, from one arrow function each. */
export function inlined(
  call: (...args: never[]) => Value,
  inline: (...argumentSources: string[]) => string,
  inlineScope?: Readonly<Record<string, unknown>>,
): PlainDefinition {
  return { call, inline, inlineScope }
}

/** Hides an aggregate's state type: the registry passes back what `init` and `step` returned. */
export function aggregate<State>(definition: {
  readonly strict?: boolean | undefined
  readonly init: (context: FunctionContext, argumentTypes: readonly number[]) => State
  readonly step: (state: State, ...args: never[]) => State
  readonly final: (state: State, context: FunctionContext, ...directArguments: Value[]) => Value
  readonly combine?: ((a: State, b: State) => State) | undefined
}): AggregateDefinition {
  return definition as unknown as AggregateDefinition
}

/** Collects definitions that are made in loops. */
export function collect(entries: Iterable<readonly [string, Definition]>): Definitions {
  return Object.fromEntries(entries)
}
