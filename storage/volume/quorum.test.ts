import { expect, test } from 'vitest'

import type { Epoch, GroupNo, Lsn } from '../base/ids.ts'
import type { Configuration, Member, SegmentKind, Slot } from '../message/configuration.ts'
import {
  bothRules,
  checkQuorum,
  DEFAULT_QUORUM,
  Gauge,
  type Quorum,
  quorumLsn,
  type QuorumRules,
  quorumSizes,
  ruleLsn,
  rulesOf,
  satisfies,
} from './quorum.ts'
import { ConsistencyPoints } from './vdl.ts'

const lsns = (...values: number[]): Lsn[] => values as Lsn[]

test('quorumLsn is the highest LSN that enough have reached', () => {
  expect(quorumLsn(lsns(10, 20, 30, 40, 50, 60), 4)).toBe(30)
  expect(quorumLsn(lsns(60, 10, 50, 20, 40, 30), 4)).toBe(30)
  expect(quorumLsn(lsns(50, 50, 50, 50, 0, 0), 4)).toBe(50)
  expect(quorumLsn(lsns(50, 50, 50, 0, 0, 0), 4)).toBe(0)
  expect(quorumLsn(lsns(7), 1)).toBe(7)
  expect(quorumLsn(lsns(7, 8), 3)).toBe(0)
})

test('quorumLsn against its definition, on many small cases', () => {
  for (let code = 0; code < 4 ** 6; code++) {
    const scls = lsns(...Array.from({ length: 6 }, (_, at) => Math.floor(code / 4 ** at) % 4))
    const sorted = [...scls].sort((a, b) => b - a)
    expect(quorumLsn(scls, 4)).toBe(sorted[3])
  }
})

test('quorums that might not meet are refused', () => {
  const of = (nodeCount: number, writeCount: number, readCount: number): (() => void) => {
    return () => checkQuorum({ nodeCount, writeCount, readCount })
  }
  expect(of(6, 4, 3)).not.toThrow()
  expect(of(1, 1, 1)).not.toThrow()
  expect(of(3, 2, 2)).not.toThrow()
  expect(of(6, 3, 4)).toThrow('quorum 6,3,4 is not safe')
  expect(of(6, 4, 2)).toThrow(/not safe/)
  expect(of(6, 7, 1)).toThrow(/not safe/)
  expect(of(0, 0, 0)).toThrow(/not safe/)
  expect(() => checkQuorum(DEFAULT_QUORUM)).not.toThrow()
  expect(() => quorumSizes(DEFAULT_QUORUM, nodes('tail', 6, ['full', 'full']))).toThrow(/2 full segments/)
})

// --- every configuration, and every step from one to the next

function nodes(rest: SegmentKind, count: number, kinds: readonly SegmentKind[] = []): Member[] {
  return Array.from({ length: count }, (_, at) => ({
    node: at + 1,
    zone: `az${(at % 3) + 1}`,
    address: undefined,
    kind: kinds[at] ?? rest,
  }))
}

function configurationOf(
  quorum: Quorum,
  slots: readonly Slot[],
  zonesAway: readonly string[],
): Configuration {
  return {
    clusterId: 'c',
    membershipEpoch: 1 as Epoch,
    geometryEpoch: 1 as Epoch,
    segmentSizeBytes: 8192,
    quorum: quorumSizes(
      quorum,
      slots.map(({ member }) => member),
    ),
    zonesAway,
    groups: [{ group: 0 as GroupNo, slots }],
    spares: [],
  }
}

interface Case {
  readonly name: string
  readonly configuration: Configuration
}

/** Replacements of none, any one and any two slots, with no zone and with each zone away. */
function casesOf(quorum: Quorum, members: readonly Member[]): Case[] {
  const cases: Case[] = []
  const replaced: number[][] = [[]]
  for (let one = 0; one < members.length; one++) {
    replaced.push([one])
    for (let two = one + 1; two < members.length; two++) replaced.push([one, two])
  }
  for (const away of [[], ['az1'], ['az2'], ['az3']]) {
    if (away.length > 0 && quorum.nodeCount < 6) continue
    for (const slotsReplaced of replaced) {
      const slots = members.map((member, at) => {
        const isReplaced = slotsReplaced.includes(at)
        return {
          member,
          candidate: isReplaced ? { ...member, node: 7 + slotsReplaced.indexOf(at) } : undefined,
        }
      })
      const name = `${quorum.nodeCount} nodes, replaced [${slotsReplaced.join()}], away [${away.join()}]`
      cases.push({ name, configuration: configurationOf(quorum, slots, away) })
    }
  }
  return cases
}

const ALL: readonly Case[] = [
  ...casesOf({ nodeCount: 1, writeCount: 1, readCount: 1 }, nodes('full', 1)),
  ...casesOf({ nodeCount: 3, writeCount: 2, readCount: 2 }, nodes('full', 3)),
  ...casesOf({ nodeCount: 5, writeCount: 3, readCount: 3 }, nodes('full', 5)),
  ...casesOf(DEFAULT_QUORUM, nodes('full', 6)),
  ...casesOf(DEFAULT_QUORUM, nodes('tail', 6, ['full', 'full', 'full'])),
  ...casesOf(DEFAULT_QUORUM, nodes('full', 6, ['full', 'tail', 'full', 'tail', 'full', 'tail'])),
]

const NODE_LIMIT = 9

/** Sets of nodes as bits, those that satisfy a rule marked. */
function quorumsOf(rule: QuorumRules['write']): Uint8Array {
  return Uint8Array.from({ length: 1 << NODE_LIMIT }, (_, set) =>
    satisfies(rule, (node) => (set & (1 << node)) !== 0) ? 1 : 0,
  )
}

/** A set that satisfies the first and whose complement satisfies the second: two quorums that do not meet. */
function disjoint(a: Uint8Array, b: Uint8Array): number | undefined {
  const all = a.length - 1
  for (let set = 0; set <= all; set++) if (a[set] === 1 && b[all & ~set] === 1) return set
  return undefined
}

test('in every configuration write quorums meet each other and every read quorum', () => {
  expect(ALL.length).toBeGreaterThan(250)
  for (const { name, configuration } of ALL) {
    const { write, read } = rulesOf(configuration)
    const writes = quorumsOf(write)
    expect(writes.includes(1), `${name}: can be written`).toBe(true)
    expect(disjoint(writes, writes), `${name}: writes`).toBeUndefined()
    expect(disjoint(writes, quorumsOf(read)), `${name}: reads`).toBeUndefined()
  }
})

test('a rule that is one too small is found by the same check', () => {
  const six = nodes('full', 6).map(({ node }) => node)
  const four = quorumsOf([[{ count: 4, nodes: six }]])
  const three = quorumsOf([[{ count: 3, nodes: six }]])
  expect(disjoint(four, three)).toBeUndefined()
  expect(disjoint(three, three)).toBeDefined()
  expect(disjoint(four, quorumsOf([[{ count: 2, nodes: six }]]))).toBeDefined()
})

test('what is written between two configurations meets the quorums of both', () => {
  const six = ALL.filter(({ configuration: { quorum } }) => quorum.nodeCount === 6)
  const rules = six.map(({ configuration }) => rulesOf(configuration))
  const writes = rules.map(({ write }) => quorumsOf(write))
  const reads = rules.map(({ read }) => quorumsOf(read))
  let steps = 0
  for (const [from, before] of six.entries()) {
    for (const [to, after] of six.entries()) {
      if (!isStep(before.configuration, after.configuration)) continue
      steps++
      const a = rules[from] as QuorumRules
      const b = rules[to] as QuorumRules
      const between = quorumsOf(bothRules(a, b).write)
      const name = `${before.name} to ${after.name}`
      expect(between.includes(1), name).toBe(true)
      for (const side of [from, to]) {
        expect(disjoint(between, writes[side] as Uint8Array), name).toBeUndefined()
        expect(disjoint(between, reads[side] as Uint8Array), name).toBeUndefined()
      }
    }
  }
  expect(steps).toBeGreaterThan(100)
})

/** One slot gains or loses its candidate or takes it as its member, or one zone goes or comes. */
function isStep(a: Configuration, b: Configuration): boolean {
  if (a.quorum.fullWriteCount !== b.quorum.fullWriteCount) return false
  if (a === b || kindsOf(a) !== kindsOf(b)) return false
  const slots = (each: Configuration): string[] =>
    (each.groups[0]?.slots ?? []).map(({ member, candidate }) => `${member.node}/${candidate?.node ?? ''}`)
  const other = slots(b)
  const changed = slots(a).filter((slot, at) => slot !== other[at]).length
  const zones = a.zonesAway.join() === b.zonesAway.join() ? 0 : 1
  return changed + zones === 1
}

function kindsOf({ groups }: Configuration): string {
  return (groups[0]?.slots ?? []).map(({ member }) => member.kind).join()
}

test('a candidate that became the member makes a configuration like any other', () => {
  const [first, ...rest] = nodes('full', 6)
  const joined = [{ ...(first as Member), node: 7 }, ...rest]
  const plain = (members: readonly Member[]): Slot[] =>
    members.map((member) => ({ member, candidate: undefined }))
  const during = rulesOf(
    configurationOf(
      DEFAULT_QUORUM,
      plain([first as Member, ...rest]).map((slot, at) =>
        at > 0 ? slot : { ...slot, candidate: joined[0] },
      ),
      [],
    ),
  )
  const after = rulesOf(configurationOf(DEFAULT_QUORUM, plain(joined), []))
  expect(disjoint(quorumsOf(bothRules(during, after).write), quorumsOf(after.read))).toBeUndefined()
  // Before the candidate is a member, what is written is at a quorum of the old members and of the new ones.
  expect(satisfies(during.write, (node) => [2, 3, 4, 5].includes(node))).toBe(true)
  expect(satisfies(during.write, (node) => [1, 2, 3, 4].includes(node))).toBe(false)
  expect(satisfies(during.write, (node) => [2, 3, 4, 7].includes(node))).toBe(false)
  expect(satisfies(during.write, (node) => [1, 2, 3, 4, 7].includes(node))).toBe(true)
})

test('three full segments make a write, three tails no read', () => {
  const members = nodes('full', 6, ['full', 'tail', 'full', 'tail', 'full', 'tail'])
  const { write, read } = rulesOf(
    configurationOf(
      DEFAULT_QUORUM,
      members.map((member) => ({ member, candidate: undefined })),
      [],
    ),
  )
  const of =
    (...set: number[]) =>
    (node: number) =>
      set.includes(node)
  expect(satisfies(write, of(1, 3, 5))).toBe(true)
  expect(satisfies(write, of(2, 4, 6))).toBe(false)
  expect(satisfies(write, of(1, 2, 3))).toBe(false)
  expect(satisfies(write, of(1, 2, 4, 6))).toBe(true)
  expect(satisfies(read, of(2, 4, 6))).toBe(false)
  expect(satisfies(read, of(2, 4, 5))).toBe(true)
})

test('the gauge says what the rule says', () => {
  const draw = (
    (state) => () =>
      (state = (state * 48271) % 2147483647)
  )(11)
  for (const { name, configuration } of ALL) {
    const { write } = rulesOf(configuration)
    const gauge = new Gauge(write, (node) => NODE_LIMIT - node)
    for (let round = 0; round < 4; round++) {
      const scls = lsns(...Array.from({ length: NODE_LIMIT }, () => (draw() % 5) * 8))
      const sclOf = (node: number): Lsn => scls[NODE_LIMIT - node] as Lsn
      const lsn = gauge.lsn(scls)
      expect(lsn, name).toBe(ruleLsn(write, sclOf))
      // By definition: the highest value for which the nodes that reached it make a quorum.
      const reached = [...new Set(scls)].filter((each) => satisfies(write, (node) => sclOf(node) >= each))
      expect(lsn, name).toBe(Math.max(0, ...reached))
      const mask = scls.reduce((bits, scl, place) => (scl >= 16 ? bits | (1 << place) : bits), 0)
      expect(gauge.holds(mask), name).toBe(satisfies(write, (node) => sclOf(node) >= 16))
    }
  }
})

test('VDL is the last consistency point at or below the VCL, and stays', () => {
  const points = new ConsistencyPoints(8 as Lsn)
  const push = (last: number, consistent: number): void => points.push(last as Lsn, consistent as Lsn)
  push(100, 96)
  push(200, 0)
  push(300, 248)
  expect(points.advance(99 as Lsn)).toBe(8)
  expect(points.advance(100 as Lsn)).toBe(96)
  expect(points.advance(200 as Lsn)).toBe(96)
  expect(points.advance(150 as Lsn)).toBe(96)
  expect(points.advance(5000 as Lsn)).toBe(248)
  push(400, 400)
  expect(points.advance(399 as Lsn)).toBe(248)
  expect(points.advance(400 as Lsn)).toBe(400)
})
