// Generated JavaScript: a function body under construction, the values it refers to and its temporaries.
//
//   constants ──bind──▶ k0, k1 ... (closure of the made function: V8 treats them as constants)
//   temporaries ─temp─▶ t0, t1 ... (declared at the top of the body)
//
// Only names and numbers of our own making enter the source; everything a user wrote enters as a bound value.

import { must } from '../../../storage/base/assert.ts'

/** A piece of source that is an expression. */
export interface Fragment {
  readonly source: string
  /** Whether it can be null when evaluated. */
  readonly nullable: boolean
  /** A name or literal: evaluating it twice costs nothing and means the same. */
  readonly simple: boolean
}

export const NULL_FRAGMENT: Fragment = { source: 'null', nullable: true, simple: true }

export class SourceBuilder {
  readonly #names: string[] = []
  readonly #values: unknown[] = []
  readonly #byValue = new Map<unknown, string>()
  readonly #scope = new Map<string, unknown>()
  #tempCount = 0

  /** The name under which the made function sees `value`. */
  bind(value: unknown): string {
    const known = this.#byValue.get(value)
    if (known !== undefined) return known
    const name = `k${this.#names.length}`
    this.#byValue.set(value, name)
    this.#names.push(name)
    this.#values.push(value)
    return name
  }

  /** Makes the names of a function's inlineScope known; false when one already means something else. */
  include(scope: Readonly<Record<string, unknown>>): boolean {
    for (const [name, value] of Object.entries(scope)) {
      if (this.#scope.has(name) && this.#scope.get(name) !== value) return false
    }
    for (const [name, value] of Object.entries(scope)) {
      if (this.#scope.has(name)) continue
      this.#scope.set(name, value)
      this.#names.push(name)
      this.#values.push(value)
    }
    return true
  }

  /** A new temporary. */
  temp(): string {
    return `t${this.#tempCount++}`
  }

  /** `(parameters) => { body }` as a function. */
  build<T>(parameters: string, body: string): T {
    const temps = Array.from({ length: this.#tempCount }, (_, i) => `t${i}`)
    const declared = temps.length === 0 ? '' : `let ${temps.join(', ')}\n`
    // eslint-disable-next-line no-new-func
    const factory = new Function(
      ...this.#names,
      `'use strict'\nreturn function compiled(${parameters}) {\n${declared}${body}\n}`,
    )
    return must(factory(...this.#values) as T)
  }
}
