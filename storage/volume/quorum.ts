// Quorum arithmetic (Aurora 2017, section 2.1; 2018, section 4). Pure functions.
//
//   configuration ─▶ rules, as data:   write = clause AND clause ...      clause = threshold OR threshold ...
//                                      threshold = so many of these nodes
//
//   six copies                    write 4 of ABCDEF                        read 3 of ABCDEF
//   F is being replaced by G      4 of ABCDEF AND 4 of ABCDEG              3 of ABCDEF AND 3 of ABCDEG
//   full A C E, tail B D F        4 of ABCDEF OR 3 of ACE                  3 of ABCDEF AND 1 of ACE
//   zone of A and B away          3 of CDEF                                2 of CDEF
//   between two configurations    both rules                               both rules
//
// Any two write quorums meet, and any read quorum meets any write quorum: quorum.test.ts holds every configuration and
// every step between two of them against that. Since an LSN that one node has reached implies all below it, the LSN that
// a rule has reached is a minimum (AND) of maxima (OR) of k-th highest SCLs.

import { assert } from '../base/assert.ts'
import { StorageError } from '../base/errors.ts'
import { type Lsn, LSN_ZERO } from '../base/ids.ts'
import type { Configuration, Member, QuorumSizes, Slot } from '../message/configuration.ts'

/** What an operator chooses. */
export interface Quorum {
  readonly nodeCount: number
  readonly writeCount: number
  readonly readCount: number
}

/** Six copies, two in each of three zones: writes survive the loss of a zone, reads that of a zone and one node more. */
export const DEFAULT_QUORUM: Quorum = { nodeCount: 6, writeCount: 4, readCount: 3 }

/** At least `count` of these nodes (their numbers). */
export interface Threshold {
  readonly count: number
  readonly nodes: readonly number[]
}

/** One of these thresholds. */
export type Clause = readonly Threshold[]

/** All of these clauses. */
export type Rule = readonly Clause[]

export interface QuorumRules {
  readonly write: Rule
  readonly read: Rule
}

/** Throws StorageError 'no-quorum' if quorums of these sizes might not meet. */
export function checkQuorum(quorum: Quorum): void {
  const { nodeCount: count, writeCount: write, readCount: read } = quorum
  const sane = [count, write, read].every((size) => Number.isInteger(size) && size >= 1 && size <= count)
  if (!sane || write + read <= count || 2 * write <= count) {
    const rule = 'write + read must be above the number of nodes, and twice write as well'
    throw new StorageError('no-quorum', `quorum ${count},${write},${read} is not safe`, rule)
  }
}

/** The sizes of a new volume. Full segments alone make a write where all of them and `writeCount` of any must meet. */
export function quorumSizes(quorum: Quorum, members: readonly Member[]): QuorumSizes {
  checkQuorum(quorum)
  const fullCount = members.filter(({ kind }) => kind === 'full').length
  const isMixed = fullCount < members.length
  if (isMixed && fullCount + quorum.writeCount <= quorum.nodeCount) {
    throw new StorageError('no-quorum', `${fullCount} full segments of ${quorum.nodeCount} are too few`)
  }
  return { ...quorum, fullWriteCount: isMixed ? fullCount : 0 }
}

/** The rules of a configuration. All its groups lie on the same nodes. */
export function rulesOf(configuration: Configuration): QuorumRules {
  const slots = slotsOf(configuration)
  const rules = memberSets(slots).map((members) => rulesOfMembers(members, configuration))
  return rules.reduce(bothRules)
}

/** The slots of the volume: those of its first group, which are those of every group. */
export function slotsOf(configuration: Configuration): readonly Slot[] {
  const first = configuration.groups[0]
  assert(first !== undefined, 'a volume has a group')
  return first.slots
}

/** Every choice of one of member and candidate in each slot. */
function memberSets(slots: readonly Slot[]): readonly (readonly Member[])[] {
  let sets: readonly (readonly Member[])[] = [[]]
  for (const { member, candidate } of slots) {
    const choices = candidate === undefined ? [member] : [member, candidate]
    sets = choices.flatMap((choice) => sets.map((set) => [...set, choice]))
  }
  return sets
}

function rulesOfMembers(
  members: readonly Member[],
  { quorum, zonesAway }: Pick<Configuration, 'quorum' | 'zonesAway'>,
): QuorumRules {
  const counted = members.filter(({ zone }) => !zonesAway.includes(zone))
  const nodes = counted.map(({ node }) => node)
  const full = counted.filter(({ kind }) => kind === 'full').map(({ node }) => node)
  const isWhole = counted.length === members.length
  const writeCount = isWhole ? quorum.writeCount : Math.floor(counted.length / 2) + 1
  const readCount = isWhole ? quorum.readCount : counted.length - writeCount + 1
  const most: Threshold = { count: writeCount, nodes }
  const reads: Threshold = { count: readCount, nodes }
  if (quorum.fullWriteCount === 0) return { write: [[most]], read: [[reads]] }
  // A tail segment can give no page: whoever reads needs a full one among them.
  const oneFull: Threshold = { count: 1, nodes: full }
  const allFull: Threshold = { count: quorum.fullWriteCount, nodes: full }
  return { write: [isWhole ? [most, allFull] : [most]], read: [[reads], [oneFull]] }
}

/** What satisfies both: for the step from one configuration to the next. */
export function bothRules(a: QuorumRules, b: QuorumRules): QuorumRules {
  return { write: [...a.write, ...b.write], read: [...a.read, ...b.read] }
}

/** Whether the nodes for which `has` holds satisfy a rule. */
export function satisfies(rule: Rule, has: (node: number) => boolean): boolean {
  return rule.every((clause) =>
    clause.some(({ count, nodes }) => nodes.filter((node) => has(node)).length >= count),
  )
}

/** The highest LSN that a quorum has reached: PGCL, from the SCLs of a group's segments. */
export function ruleLsn(rule: Rule, sclOf: (node: number) => Lsn): Lsn {
  let lowest = Infinity
  for (const clause of rule) {
    let highest: number = LSN_ZERO
    for (const { count, nodes } of clause) highest = Math.max(highest, quorumLsn(nodes.map(sclOf), count))
    lowest = Math.min(lowest, highest)
  }
  return lowest as Lsn
}

/** The highest LSN that at least `size` of these have reached. */
export function quorumLsn(scls: readonly Lsn[], size: number): Lsn {
  if (scls.length < size) return LSN_ZERO
  let best = LSN_ZERO
  for (const candidate of scls) {
    if (candidate <= best) continue
    let reached = 0
    for (const scl of scls) if (scl >= candidate) reached++
    if (reached >= size) best = candidate
  }
  return best
}

interface Counted {
  readonly count: number
  /** Where the nodes' SCLs lie in the arrays that are gauged, and the same as bits. */
  readonly places: readonly number[]
  readonly mask: number
}

/** A rule made ready for arrays of SCLs in which each node has a fixed place: what the path of a commit calls. */
export class Gauge {
  /** No quorum has fewer nodes. */
  readonly sizeMin: number
  readonly #clauses: readonly (readonly Counted[])[]

  /** Places are below 31. */
  constructor(rule: Rule, placeOf: (node: number) => number) {
    this.#clauses = rule.map((clause) =>
      clause.map(({ count, nodes }) => {
        const places = nodes.map(placeOf)
        return { count, places, mask: places.reduce((mask, place) => mask | (1 << place), 0) }
      }),
    )
    this.sizeMin = Math.max(0, ...rule.map((clause) => Math.min(...clause.map(({ count }) => count))))
  }

  /** The highest LSN that a quorum has reached. A place that the array does not have stands at 0. */
  lsn(scls: readonly Lsn[]): Lsn {
    let lowest = Infinity
    for (const clause of this.#clauses) {
      let highest: number = LSN_ZERO
      for (const threshold of clause) {
        const reached = reachedBy(threshold, scls)
        if (reached > highest) highest = reached
      }
      if (highest < lowest) lowest = highest
    }
    return lowest as Lsn
  }

  /** Whether these places, as bits, make a quorum. */
  holds(chosen: number): boolean {
    for (const clause of this.#clauses) {
      let holds = false
      for (const { count, mask } of clause) if (bitCount(mask & chosen) >= count) holds = true
      if (!holds) return false
    }
    return true
  }
}

function bitCount(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++
  return count
}

function reachedBy({ count, places }: Counted, scls: readonly Lsn[]): number {
  let best: number = LSN_ZERO
  for (const place of places) {
    const candidate = scls[place] ?? LSN_ZERO
    if (candidate <= best) continue
    let reached = 0
    for (const other of places) if ((scls[other] ?? LSN_ZERO) >= candidate) reached++
    if (reached >= count) best = candidate
  }
  return best
}
