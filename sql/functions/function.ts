// What analysis, planning and execution know of functions, operators, casts and aggregates. The registries (registry.ts)
// hold the built-in ones under PostgreSQL's own oids; a catalog may add its own.

import type { TypeContext } from '../types/type.ts'
import type { Row, Value } from '../types/value.ts'

/** What a function that depends on its session may ask for. The executor's context implements it. */
export interface FunctionContext extends TypeContext {
  /** current_setting, set_config. */
  getSetting(name: string, missingOk: boolean): string | null
  setSetting(name: string, value: string | null, isLocal: boolean): string
  readonly currentUser: string
  readonly sessionUser: string
  readonly currentDatabase: string
  readonly processId: number
  /** Effective search path: schema names, existing ones only; `implicit`: with pg_catalog and the temporary schema. */
  searchPath(implicit: boolean): readonly string[]
  /** Int8 microseconds since 2000-01-01 UTC. */
  statementMicros(): number
  clockMicros(): number
  random(): number
  /**
   * Everything that needs the catalog, the engine or the server (pg_get_expr, nextval, pg_sleep, advisory locks, ...):
   * such functions are registered by the layer that can do them, see `services`.
   */
  readonly services: SessionServices
}

/** Operations of higher layers that built-in functions call. Layers above add members by declaration merging. */
// eslint-disable-next-line no-empty-interface
export interface SessionServices {}

export type Volatility = 'immutable' | 'stable' | 'volatile'

interface CallableBase {
  readonly oid: number
  readonly name: string
  /** Oids of the declared argument types; polymorphic pseudo-types (anyelement, anyarray, "any", ...) allowed. */
  readonly argumentTypes: readonly number[]
  /** Element type of a VARIADIC last argument (the last argumentTypes entry is then the array); 0: not variadic. */
  readonly variadicType: number
  /** How many of the last arguments have defaults, as SQL text. */
  readonly defaults: readonly string[]
  readonly argumentNames: readonly string[]
  readonly returnType: number
}

/** A plain function. Strict ones are never called with null: the caller answers null. */
export interface ScalarFunction extends CallableBase {
  readonly kind: 'scalar'
  readonly strict: boolean
  readonly volatility: Volatility
  /** With `usesContext`, the context comes before the arguments. VARIADIC arguments arrive as one ArrayValue. */
  readonly call: (...args: never[]) => Value
  readonly usesContext: boolean
  /**
   * Polymorphic functions that must know: called with the actual argument types and return type, it gives the function
   * to call instead of `call`. The arguments of VARIADIC "any" arrive one by one, each with its type, unless the call
   * said VARIADIC itself: then `variadicArray` is true and the last argument is that array.
   */
  readonly specialise?:
    | ((
        argumentTypes: readonly number[],
        returnType: number,
        variadicArray: boolean,
      ) => (...args: never[]) => Value)
    | undefined
  /**
   * JavaScript source of an expression over argument sources, for the expression compiler: faster than a call for
   * arithmetic and comparison. May use the names listed in `inlineScope`. Never sees null. Each argument source is used
   * once, in order, as it was given: the caller puts anything but a name, a literal or a call in brackets.
   */
  readonly inline?: ((...argumentSources: string[]) => string) | undefined
  readonly inlineScope?: Readonly<Record<string, unknown>> | undefined
}

/** A function that returns a set: an iterable of values, or of rows when it has several columns. */
export interface SetFunction extends CallableBase {
  readonly kind: 'set'
  readonly strict: boolean
  readonly volatility: Volatility
  readonly usesContext: boolean
  readonly call: (...args: never[]) => Iterable<Value | Row>
  /** OUT columns: names and types; empty for a single column named after the function. */
  readonly columns: readonly { readonly name: string; readonly type: number }[]
  /**
   * Functions whose rows depend on the call: given the actual argument types, the return type, and the column
   * definition list of FROM f() AS t(a int, ...) (empty without one), it gives the function to call instead of `call`.
   * With such a list it gives rows, even of one column.
   */
  readonly specialise?:
    | ((
        argumentTypes: readonly number[],
        returnType: number,
        columns: readonly { readonly name: string; readonly type: number; readonly typmod: number }[],
      ) => (...args: never[]) => Iterable<Value | Row>)
    | undefined
}

/**
 * An aggregate. State is any JavaScript value; `step` may mutate and must return it. Strict: rows with a null argument
 * are skipped. `combine` joins two partial states (parallel query).
 */
export interface AggregateFunction extends CallableBase {
  readonly kind: 'aggregate'
  readonly strict: boolean
  readonly init: (context: FunctionContext, argumentTypes: readonly number[]) => unknown
  readonly step: (state: unknown, ...args: Value[]) => unknown
  /** Ordered-set aggregates get their direct arguments here, and their rows in the order of WITHIN GROUP. */
  readonly final: (state: unknown, context: FunctionContext, ...directArguments: Value[]) => Value
  readonly combine?: ((a: unknown, b: unknown) => unknown) | undefined
  /** Ordered-set aggregates (percentile_cont): number of direct arguments, else 0. */
  readonly directArgumentCount: number
}

/** A pure window function (row_number, lag, ...), evaluated by the window operator by name. */
export interface WindowFunction extends CallableBase {
  readonly kind: 'window'
}

export type SqlFunction = ScalarFunction | SetFunction | AggregateFunction | WindowFunction

export interface Operator {
  readonly oid: number
  readonly name: string
  /** 0 for a prefix operator. */
  readonly left: number
  readonly right: number
  readonly result: number
  readonly functionOid: number
  /** 0 where there is none. */
  readonly commutator: number
  readonly negator: number
  /** Which btree strategy the operator is in its types' default class: '<' '<=' '=' '>=' '>', or none. */
  readonly btree: '<' | '<=' | '=' | '>=' | '>' | undefined
  readonly canHash: boolean
}

/** A row of pg_cast. `method`: 'binary' relabels, 'io' goes through text, 'function' calls functionOid. */
export interface Cast {
  readonly oid: number
  readonly source: number
  readonly target: number
  readonly functionOid: number
  readonly context: 'implicit' | 'assignment' | 'explicit'
  readonly method: 'function' | 'binary' | 'io'
}

export interface FunctionRegistry {
  /** All functions with this (unqualified, pg_catalog) name. */
  byName(name: string): readonly SqlFunction[]
  /** The same of schema borealis. */
  inBorealis(name: string): readonly SqlFunction[]
  byOid(oid: number): SqlFunction | undefined
  operatorsByName(name: string): readonly Operator[]
  operatorByOid(oid: number): Operator | undefined
  cast(source: number, target: number): Cast | undefined
  all(): readonly SqlFunction[]
  allOperators(): readonly Operator[]
  allCasts(): readonly Cast[]
}
