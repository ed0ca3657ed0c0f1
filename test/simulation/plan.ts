// What one seed is about: which faults it has and how many, how large the volume grows, what clients do. Every seed
// leaves most things out and overdoes a few (swarm testing): a bug that needs four crashes in a row and no partition is
// never met by histories that all do a little of everything.

import type { Chance } from './chance.ts'
import type { Weather } from './network.ts'

export interface Plan {
  /** How long clients and faults go on, simulated ms. */
  readonly durationMs: number
  readonly weather: Weather
  readonly pagesPerSegment: number
  /** Pages that clients write to: several groups when above `pagesPerSegment`. */
  readonly pageCount: number
  readonly timelineCountMax: number
  /** Share of timelines that get most of the writes. */
  readonly deflates: boolean
  readonly tails: boolean
  readonly bodyLength: number
  /** Mean ms between two of these by all clients together. */
  readonly appendEveryMs: number
  readonly readEveryMs: number
  readonly branchEveryMs: number
  readonly floorEveryMs: number
  readonly membershipEveryMs: number
  readonly faultEveryMs: number
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>
  /** How long a fault lasts, mean ms. */
  readonly faultMs: number
  /** Nodes that may be down or cut off at once. */
  readonly downMax: number
  /** Nodes whose disks damage what was once written; never so many that a write quorum could be damaged away. */
  readonly rottenNodes: readonly number[]
}

export type FaultKind =
  | 'node crash'
  | 'crash at write'
  | 'zone'
  | 'partition'
  | 'writer crash'
  | 'second writer'
  | 'best informed'
  | 'full'
  | 'slow'
  | 'rot'
  | 'cut'

const WEIGHTS: Readonly<Record<Exclude<FaultKind, 'cut'>, number>> = {
  'node crash': 6,
  'crash at write': 6,
  zone: 2,
  partition: 4,
  'writer crash': 5,
  'second writer': 3,
  'best informed': 2,
  full: 2,
  slow: 2,
  rot: 4,
}

/** Half of the seeds have none of it, the others up to `max`. */
function sometimes(chance: Chance, max: number): number {
  return chance.happens(0.5) ? 0 : chance.next() * max
}

/** Something that happens at this mean interval, or not at all. */
function every(chance: Chance, share: number, low: number, high: number): number {
  return chance.happens(share) ? chance.between(low, high) : Infinity
}

export function drawPlan(chance: Chance): Plan {
  const faults: Partial<Record<FaultKind, number>> = {}
  for (const [kind, weight] of Object.entries(WEIGHTS) as [keyof typeof WEIGHTS, number][]) {
    if (chance.happens(0.55)) faults[kind] = weight * chance.between(0.3, 2)
  }
  const pagesPerSegment = chance.pick([1, 2, 3, 8])
  const nodes = chance.shuffled([1, 2, 3, 4, 5, 6])
  const plan: Plan = {
    durationMs: chance.pick([600, 1500, 3000]),
    weather: {
      lost: sometimes(chance, 0.08),
      doubled: sometimes(chance, 0.1),
      delayMs: chance.pick([0.3, 1, 4]),
      late: sometimes(chance, 0.1),
      resets: chance.pick([0, 0.5, 1]),
    },
    pagesPerSegment,
    pageCount: Math.max(2, pagesPerSegment * chance.pick([1, 1, 2, 4])),
    timelineCountMax: chance.pick([2, 4, 8]),
    deflates: chance.happens(0.2),
    tails: chance.happens(0.2),
    bodyLength: chance.pick([8, 8, 200, 4000]),
    appendEveryMs: chance.pick([4, 10, 30]),
    readEveryMs: chance.pick([15, 40]),
    branchEveryMs: every(chance, 0.6, 60, 400),
    floorEveryMs: every(chance, 0.6, 30, 200),
    membershipEveryMs: every(chance, 0.5, 50, 400),
    faultEveryMs: every(chance, 0.9, 30, 300),
    faults,
    faultMs: chance.pick([20, 100, 400]),
    downMax: chance.pick([1, 2, 2, 3, 6]),
    rottenNodes: nodes.slice(0, chance.pick([0, 1, 2])),
  }
  // Drawn last: what the others draw of a seed stays what it was.
  if (chance.happens(0.3)) faults.cut = chance.between(1, 10)
  return plan
}
