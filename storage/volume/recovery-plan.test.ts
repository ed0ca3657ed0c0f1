import { expect, test } from 'vitest'

import type { Epoch, GroupNo, Lsn, TimelineId } from '../base/ids.ts'
import { SeededPrng } from '../base/testing/test-env.ts'
import { LAL_BYTES } from '../base/limits.ts'
import type { Configuration } from '../message/configuration.ts'
import type { AnnulledRange, IdRange, NodeState, SegmentState } from '../message/message.ts'
import {
  birthAt,
  birthCount,
  bornSegment,
  bornState,
  NO_BIRTHS,
  packBirths,
} from '../message/packed-births.ts'
import { unpackedState } from '../message/testing/unpacked-state.ts'
import { FIRST_GROUP_ONLY } from './open-group.ts'
import { planRecovery, type RecoveryPlan } from './recovery-plan.ts'

const BIRTH = { id: 1 as TimelineId, parent: undefined, createdMicros: 0 }

function segment(group: number, scl: number, consistent = scl): SegmentState {
  const [at, point] = [scl as Lsn, consistent as Lsn]
  return {
    timeline: BIRTH.id,
    group: group as GroupNo,
    scl: at,
    consistent: point,
    end: (scl + 40) as Lsn,
    logAfter: 0 as Lsn,
    birth: 0 as Lsn,
  }
}

/** A node that a writer of this epoch aligned last. */
function node(
  epoch: number,
  segments: readonly SegmentState[],
  annulled: readonly AnnulledRange[] = [],
): NodeState {
  const membershipEpoch = (epoch * 1_000_000) as Epoch
  const configuration: Configuration = {
    clusterId: 'c',
    membershipEpoch,
    geometryEpoch: 1 as Epoch,
    segmentSizeBytes: 8192,
    quorum: { nodeCount: 3, writeCount: 2, readCount: 2, fullWriteCount: 0 },
    zonesAway: [],
    groups: [],
    spares: [],
  }
  return {
    protocol: 2,
    clusterId: 'c',
    volumeEpoch: epoch as Epoch,
    membershipEpoch,
    configuration,
    born: NO_BIRTHS,
    timelines: [{ birth: BIRTH, dropped: false, annulled }],
    dead: [],
    segments,
    damage: undefined,
  }
}

/** The timelines alone. */
function plansOf(states: readonly NodeState[], isComplete: boolean): RecoveryPlan['logs'] {
  return planRecovery(states, isComplete).logs
}

test('when all stand at one consistency point nothing is annulled and LSNs go on', () => {
  const states = [node(1, [segment(0, 80)]), node(1, [segment(0, 80)]), node(1, [segment(0, 80)])]
  expect(plansOf(states, true)).toMatchObject([{ vdl: 80, tail: 120, annulled: [] }])
})

test('the highest PGCL counts, and what lies above its consistency point never happened', () => {
  const states = [node(1, [segment(0, 160, 120)]), node(1, [segment(0, 80)]), node(1, [segment(0, 80)])]
  const [plan] = plansOf(states, true)
  expect(plan?.vdl).toBe(120)
  const [range] = plan?.annulled ?? []
  expect(range?.above).toBe(120)
  expect(range?.upTo).toBeGreaterThanOrEqual(160 + LAL_BYTES)
  expect(plan?.tail).toBeGreaterThan(range?.upTo ?? Infinity)
})

test('a node that is missing makes it annul, though those that answer agree', () => {
  const [plan] = plansOf([node(1, [segment(0, 80)]), node(1, [segment(0, 80)])], false)
  expect(plan).toMatchObject({ vdl: 80, annulled: [{ above: 80 }] })
})

test('of several groups the lowest counts: a flush of which one part is lost is lost whole', () => {
  const whole = [segment(0, 200), segment(1, 120)]
  const states = [node(1, whole), node(1, [segment(0, 120), segment(1, 120)]), node(1, whole)]
  const [plan] = plansOf(states, true)
  expect(plan).toMatchObject({ vdl: 120, annulled: [{ above: 120 }] })
  expect(plan?.groups.map(({ group }) => group)).toEqual([0, 1])
})

test('a segment that only a node of an older epoch knows holds nothing, and lowers nothing', () => {
  const stray = node(1, [segment(0, 80), segment(1, 80)])
  const states = [stray, node(2, [segment(0, 400)]), node(2, [segment(0, 400)])]
  const [plan] = plansOf(states, true)
  expect(plan?.vdl).toBe(400)
  // It is opened everywhere, where the log ends.
  expect(plan?.groups).toEqual([
    { group: 0, after: 0 },
    { group: 1, after: 400 },
  ])
})

test('a node that missed a truncation does not bring back what was annulled', () => {
  const annulled = [{ above: 80 as Lsn, upTo: 1000 as Lsn }]
  const states = [
    node(1, [segment(0, 160)]),
    node(2, [segment(0, 80)], annulled),
    node(2, [segment(0, 80)], annulled),
  ]
  const [plan] = plansOf(states, true)
  expect(plan?.vdl).toBe(80)
  expect(plan?.tail).toBeGreaterThan(1000)
})

test('what a recovery annulled that was never settled does not count once a later writer decided otherwise', () => {
  const unsettled = [{ above: 80 as Lsn, upTo: 10_000_200 as Lsn }]
  const settled = [{ above: 160 as Lsn, upTo: 10_000_400 as Lsn }]
  const states = [
    node(2, [segment(0, 80)], unsettled),
    node(3, [segment(0, 10_000_800)], settled),
    node(3, [segment(0, 10_000_800)], settled),
  ]
  const [plan] = plansOf(states, true)
  expect(plan?.vdl).toBe(10_000_800)
  expect(plan?.annulled[0]).toEqual(settled[0])
})

function withTimelines(
  state: NodeState,
  ids: readonly number[],
  dead: readonly [number, number][] = [],
): NodeState {
  const births = ids.map((id) => ({ ...BIRTH, id: id as TimelineId }))
  const ranges = dead.map(([from, to]): IdRange => ({ from: from as TimelineId, to: to as TimelineId }))
  const timelines = births.map((birth) => ({ birth, dropped: false, annulled: [] }))
  return { ...state, timelines, segments: [], dead: ranges }
}

function livingOf(states: readonly NodeState[]): readonly number[] {
  return plansOf(states, false).flatMap(({ birth, dropped }) => (dropped ? [] : [birth.id]))
}

test('what was dropped, and forgotten but by a node that was away, stays dropped', () => {
  const away = withTimelines(node(1, []), [1, 2])
  const there = withTimelines(node(1, []), [1], [[2, 2]])
  expect(livingOf([away, there, there])).toEqual([1])
  expect(planRecovery([away, there], false).lastId).toBe(2)
})

test('what timelines there are is the word of the nodes that the last writer aligned', () => {
  // The first writer's birth of 3 and drop of 2 reached one node; the second writer heard neither.
  const away = withTimelines(node(1, []), [1, 3], [[2, 2]])
  const there = withTimelines(node(2, []), [1, 2], [[3, 4098]])
  expect(livingOf([away, there, there])).toEqual([1, 2])
  expect(planRecovery([away, there], false).lastId).toBe(4098)
})

test('a real segment is opened above what is known to hold no record', () => {
  const born = { ...segment(1, 400), birth: 200 as Lsn }
  const states = [node(1, [segment(0, 400), born]), node(1, [segment(0, 400)]), node(1, [segment(0, 400)])]
  expect(plansOf(states, true)[0]?.groups[1]).toEqual({ group: 1, after: 200 })
})

test('timelines that were only born are planned as those that nodes tell more of', () => {
  const prng = new SeededPrng(9)
  const draw = (below: number): number => Math.floor(prng.next() * below)
  let bornCount = 0
  for (let round = 0; round < 300; round++) {
    const births = Array.from({ length: 12 }, (_, at) => {
      const parent =
        at === 0 ? undefined : { timeline: (1 + draw(at)) as TimelineId, lsn: (8 * draw(9)) as Lsn }
      return { id: (at + 1) as TimelineId, parent, createdMicros: at }
    })
    const isClean = round % 3 === 0
    const states = [0, 1, 2].map(() => {
      const epoch = isClean ? 2 : 1 + draw(2)
      const known = births.filter(() => isClean || draw(8) > 0)
      const isBorn = (): boolean => draw(isClean ? 20 : 4) > 0
      const born = known.filter(isBorn)
      const others = known.filter((birth) => !born.includes(birth))
      const written = others.map((birth) => {
        const scl = ((birth.parent?.lsn ?? 0) + 8 * draw(3)) as Lsn
        return { ...bornSegment(birth), scl, consistent: scl, end: (scl + 8) as Lsn }
      })
      const dead = draw(5) > 0 ? [] : [{ from: (1 + draw(12)) as TimelineId, to: 12 as TimelineId }]
      return { ...node(epoch, written), born: packBirths(born), timelines: others.map(bornState), dead }
    })
    const isComplete = draw(4) > 0
    const plan = planRecovery(states, isComplete)
    const expected = planRecovery(states.map(unpackedState), isComplete)
    bornCount += birthCount(plan.born)
    const logs = Array.from({ length: birthCount(plan.born) }, (_, index) => birthAt(plan.born, index)).map(
      (birth) => {
        const { scl: vdl, end: tail } = bornSegment(birth)
        return { birth, dropped: false, annulled: [], groups: FIRST_GROUP_ONLY, vdl, tail }
      },
    )
    const all = [...plan.logs, ...logs].sort((a, b) => a.birth.id - b.birth.id)
    expect(all).toEqual(expected.logs)
    expect(plan.lastId).toBe(expected.lastId)
    expect(expected.born).toEqual(NO_BIRTHS)
  }
  expect(bornCount).toBeGreaterThan(300)
})
