// Histories of a whole simulated cluster, one per seed (./simulation/): a fixed number of them at every run of the tests,
// those that once found something for ever, and proof that the simulation finds what is planted. Many more are run by
// `npm run sim`.

import { expect, test } from 'vitest'

import { BUGS } from './simulation/bugs.ts'
import { Coverage } from './simulation/coverage.ts'
import { runHistory } from './simulation/history.ts'

const SEED_COUNT = 50
/** What so few seeds may miss; `npm run sim` asks for it of a thousand. */
const RARE: ReadonlySet<string> = new Set([
  'image rotten',
  'image copied',
  'read below the floor refused',
  'replacement ended',
])
/** Seeds that are run until a planted bug shows. */
const BUG_SEEDS_MAX = 60

/** Seeds that found something, and what it was. */
const KEPT: readonly (readonly [what: string, seed: number])[] = [
  ['a back-link taken for an LSN', 21],
  ['a page read of a node that lacks a segment of an ancestor', 59],
  ['a member that lost its link because it was asked to be a spare', 168],
  ['a change of members that waits for a dropped timeline', 92],
  ['a recovery that waits for a dropped timeline', 170],
  ['a full disk in the middle of gossip', 27],
  ['a segment that was opened above a truncation and lost what was acknowledged', 95],
  ['a change of members that waits for a dropped timeline of which a branch reads nothing', 123],
  ['a node that was told anew of what all had dropped and forgotten', 254],
  ['an append that every node refused, because it had been told of new members before', 373],
  ['a commit in a later batch of a backlog', 85],
  ['a volume that grew between the query and the fence of a recovery', 332],
  ['a timeline opened in a group that the next writer did not know of', 536],
  ['a spare that took the places of two members at once', 1221],
  ['an image for a branch, made of an ancestor whose log was still to come', 1539],
  ['a recovery that met a read quorum showed what the next one did not find', 1060],
  ['the same, and a writer that a second one replaces', 3279],
  ['an opening for reading that truncated nothing, and a fenced writer that went on', 1500],
  ['a writer with nothing to write, fenced by an opening that died', 2123],
  ['two openings of the same epoch, one of which got a node of the other', 1124],
  ['a segment copied from where it was opened, in the middle of a mini-transaction', 20388],
  ['a group that was opened on tail segments only', 20611],
  ['batches of a dropped timeline, sent again and again', 20639],
  ['a dropped timeline that all but a node that was away had forgotten', 676],
  ['a dropped timeline that a lost message kept alive on one node', 3168],
  ['a drop that reached one node, for a writer that lost', 3373],
  ['a segment that a node was told to open before it knew of the group', 3264],
  ['an empty segment that only nodes without pages had', 2490],
  ['what peers told of a group before the node knew of it', 10_347],
  ['rot of what a node had read, which the disk must not do to its memory', 2592],
  ['a branch of a dropped parent whose log had been collected below a floor', 3284],
  ['a rotten batch of which not even the beginning could be told', 3006],
  ['a damaged image above the log that is here', 8387],
  ['the only peer with all log, that had left the volume', 3156],
  ['log that one node alone has, and that rots there', 3432],
  ['a branch at what was durable after the model had last looked', 4288],
]

test('histories of a cluster are well', { timeout: 300_000 }, async () => {
  const coverage = new Coverage()
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    const outcome = await runHistory(seed)
    expect(outcome.violation, `npm run sim -- --seeds 1 --start ${seed}`).toBe(undefined)
    coverage.add(outcome.coverage)
  }
  expect(coverage.missing().filter((what) => !RARE.has(what))).toEqual([])
})

test('the same seed is the same history', { timeout: 60_000 }, async () => {
  for (const seed of [3, 14, 15]) {
    const first = await runHistory(seed)
    const second = await runHistory(seed)
    expect(second.hash).toBe(first.hash)
    expect(second.eventCount).toBe(first.eventCount)
  }
})

test.each(KEPT)('%s (seed %i)', { timeout: 60_000 }, async (_, seed) => {
  const { violation } = await runHistory(seed)
  expect(violation).toBe(undefined)
})

test('a timeline that is dropped in the middle of its collection', { timeout: 60_000 }, async () => {
  const calm = { membershipEveryMs: Infinity, faultEveryMs: Infinity }
  const plan = { floorEveryMs: 30, readEveryMs: 5, durationMs: 3000, ...calm }
  const { violation } = await runHistory(2, { plan })
  expect(violation).toBe(undefined)
})

/** Those that any history may meet; the others need histories of their own (`npm run sim -- --bug NAME`). */
const COMMON = BUGS.filter(({ plan }) => plan === undefined)

test.each(COMMON.map((bug) => [bug.name, bug] as const))(
  '%s is found',
  { timeout: 300_000 },
  async (_, bug) => {
    for (let seed = 1; seed <= BUG_SEEDS_MAX; seed++) {
      const { violation } = await runHistory(seed, { bug })
      if (violation === undefined) continue
      // It is the bug that is found, not something else.
      if ((await runHistory(seed, { plan: bug.plan })).violation === undefined) return
    }
    expect.fail(`${BUG_SEEDS_MAX} seeds are clean with the bug`)
  },
)
