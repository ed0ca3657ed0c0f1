// What goes when something is dropped: follows dependencies from the targets, refuses (RESTRICT) or tells (CASCADE).
//
//   targets ──dependencyEdges──▶ all that depends on them, parents before children ──▶ removal.ts
//
// An object reached only through 'normal' edges is reported; one that is reached through an 'auto' or 'internal' edge
// goes silently. PostgreSQL's order: the newest dependents are
// followed first, depth first, and the list is turned around.

import { CLASS_OID } from '../catalog/bootstrap.ts'
import type { Catalog, Dependency } from '../catalog/catalog.ts'
import { addressKey, addressOf, type DependencyEdge, dependencyEdges } from '../catalog/dependencies.ts'
import { describeObject } from '../catalog/describe.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DdlWork } from './work.ts'

/** Messages list at most so many objects (PostgreSQL's MAX_REPORTED_DEPS). */
const REPORTED_MAX = 100

interface Doomed {
  readonly address: Dependency
  /** Reached silently, or a target itself. */
  isSilent: boolean
  /** What it depends on, of the objects that go. */
  readonly because: Dependency | undefined
}

export type DropBehavior = 'restrict' | 'cascade'

/** Everything to remove, targets first. */
export function planDrop(
  work: DdlWork,
  targets: readonly Dependency[],
  behavior: DropBehavior,
): readonly Dependency[] {
  const { catalog } = work
  const path = work.searchPath().map((schema) => schema.oid)
  const plan = new DropPlan(catalog)
  for (const target of targets) plan.addTarget(target)
  for (const target of targets.toReversed()) plan.follow(target)
  const doomed = plan.doomed()
  const reported = doomed.filter((item) => !item.isSilent)
  if (reported.length === 0) return doomed.map(({ address }) => address)
  const describe = (address: Dependency): string => describeObject(catalog, path, address)
  if (behavior === 'restrict') throw restrictError(targets, reported, describe)
  reportCascade(
    work,
    reported.map(({ address }) => describe(address)),
  )
  return doomed.map(({ address }) => address)
}

function restrictError(
  targets: readonly Dependency[],
  reported: readonly Doomed[],
  describe: (address: Dependency) => string,
): SqlError {
  const [target] = targets
  const what = targets.length === 1 && target !== undefined ? describe(target) : 'desired object(s)'
  const lines = reported.map(
    ({ address, because }) =>
      `${describe(address)} depends on ${because === undefined ? what : describe(because)}`,
  )
  return new SqlError(
    '2BP01',
    `cannot drop ${what} because other objects depend on it`.replace(
      /it$/,
      targets.length === 1 ? 'it' : 'them',
    ),
    {
      detail: clipped(lines),
      hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
    },
  )
}

function clipped(lines: readonly string[]): string {
  if (lines.length <= REPORTED_MAX) return lines.join('\n')
  const rest = lines.length - REPORTED_MAX
  return [
    ...lines.slice(0, REPORTED_MAX),
    `and ${rest} other object${rest === 1 ? '' : 's'} (see server log for list)`,
  ].join('\n')
}

function reportCascade(work: DdlWork, names: readonly string[]): void {
  if (names.length === 1) work.notice(`drop cascades to ${names[0]}`)
  else {
    work.notice(`drop cascades to ${names.length} other objects`, '00000', {
      detail: clipped(names.map((name) => `drop cascades to ${name}`)),
    })
  }
}

class DropPlan {
  readonly #byReferenced = new Map<string, DependencyEdge[]>()
  readonly #doomed = new Map<string, Doomed>()
  /** In the order in which they were left: children before parents, newer before older. */
  readonly #finished: Doomed[] = []

  constructor(catalog: Catalog) {
    for (const edge of dependencyEdges(catalog)) {
      this.#add(addressKey(edge.referenced), edge)
      // Whoever needs a column goes with the whole table too.
      if (edge.referenced.subId !== 0) this.#add(addressKey({ ...edge.referenced, subId: 0 }), edge)
    }
  }

  #add(key: string, edge: DependencyEdge): void {
    const list = this.#byReferenced.get(key)
    if (list === undefined) this.#byReferenced.set(key, [edge])
    else list.push(edge)
  }

  addTarget(address: Dependency): void {
    this.#doomed.set(addressKey(address), { address, isSilent: true, because: undefined })
  }

  /** Parents before what goes because of them. */
  doomed(): Doomed[] {
    return this.#finished.toReversed()
  }

  follow(address: Dependency): void {
    const edges = this.#byReferenced.get(addressKey(address)) ?? []
    const sorted = [...edges].sort((a, b) => b.dependent.objectOid - a.dependent.objectOid)
    for (const { dependent, kind } of sorted) {
      const whole = ownerOf(dependent)
      if (addressKey(whole) === addressKey(address)) continue
      if (this.#isGoing(whole)) {
        const known = this.#doomed.get(addressKey(whole))
        if (known !== undefined && kind !== 'normal') known.isSilent = true
        continue
      }
      this.#doomed.set(addressKey(whole), { address: whole, isSilent: kind !== 'normal', because: address })
      this.follow(whole)
    }
    const self = this.#doomed.get(addressKey(address))
    if (self !== undefined) this.#finished.push(self)
  }

  /** The object, or the table whose column it is, is on the list. */
  #isGoing(address: Dependency): boolean {
    if (this.#doomed.has(addressKey(address))) return true
    return address.subId !== 0 && this.#doomed.has(addressKey({ ...address, subId: 0 }))
  }
}

/** A view's rule stands for the view: nobody drops one without the other. */
function ownerOf(address: Dependency): Dependency {
  return address.classOid === CLASS_OID.pg_rewrite
    ? addressOf(CLASS_OID.pg_class, address.objectOid)
    : address
}
