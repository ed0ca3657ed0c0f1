// Where two points of history part: the newest point that both have behind them.
//
//   root ─────●──────────●────────▶                 path of X: X up to its LSN, then its parent up to the branch point,
//             │          └─ b ──▶ Y @ 950           and so on to the root. The paths of X and Y meet on the root, at the
//             └─ a ──▶ X @ 800                      lower of the two LSNs up to which each of them has it (a).
//
// LSNs of different timelines are not comparable above that point: two branches give out the same numbers.

import type { Lsn, PageNo, TimelineId } from '../base/ids.ts'
import { LSN_ZERO } from '../base/ids.ts'
import { StorageError } from '../base/errors.ts'
import type { Volume } from '../volume/volume.ts'
import type { Divergence } from './engine.ts'

export interface TimelinePoint {
  readonly timeline: TimelineId
  readonly lsn: Lsn
}

/** A stretch of a timeline's own log: (above, upTo]. */
interface Stretch {
  readonly timeline: TimelineId
  readonly above: Lsn
  readonly upTo: Lsn
}

/** The timeline and its ancestors, each with the LSN up to which it counts. */
function pathOf(volume: Volume, point: TimelinePoint): readonly TimelinePoint[] {
  const path: TimelinePoint[] = []
  let { timeline, lsn } = point
  for (;;) {
    const parent = volume.timeline(timeline)?.parent
    if (parent === undefined || lsn > parent.lsn) path.push({ timeline, lsn })
    if (parent === undefined) return path
    timeline = parent.timeline
    lsn = Math.min(lsn, parent.lsn) as Lsn
  }
}

/** The newest point that both have in common; undefined when they have no ancestor in common. */
export function commonPoint(volume: Volume, a: TimelinePoint, b: TimelinePoint): TimelinePoint | undefined {
  const others = new Map(pathOf(volume, b).map(({ timeline, lsn }) => [timeline, lsn]))
  for (const { timeline, lsn } of pathOf(volume, a)) {
    const other = others.get(timeline)
    if (other !== undefined) return { timeline, lsn: Math.min(lsn, other) as Lsn }
  }
  return undefined
}

/** The timeline whose own log has the record at `lsn` that a point sees. */
export function ownerOf(volume: Volume, point: TimelinePoint, lsn: Lsn): TimelineId {
  let owner = point.timeline
  for (;;) {
    const parent = volume.timeline(owner)?.parent
    if (parent === undefined || lsn > parent.lsn) return owner
    owner = parent.timeline
  }
}

/** The stretches of log between a point and one of its ancestors' points. */
function stretchesAbove(volume: Volume, point: TimelinePoint, common: TimelinePoint): readonly Stretch[] {
  const stretches: Stretch[] = []
  for (const { timeline, lsn } of pathOf(volume, point)) {
    if (timeline === common.timeline) {
      if (lsn > common.lsn) stretches.push({ timeline, above: common.lsn, upTo: lsn })
      return stretches
    }
    stretches.push({ timeline, above: volume.timeline(timeline)?.parent?.lsn ?? LSN_ZERO, upTo: lsn })
  }
  return stretches
}

/** Pages changed on either side since the points parted; undefined when they are not related. StorageError. */
export async function divergence(
  volume: Volume,
  from: TimelinePoint,
  to: TimelinePoint,
): Promise<Divergence | undefined> {
  const common = commonPoint(volume, from, to)
  if (common === undefined) return undefined
  const stretches = [...stretchesAbove(volume, from, common), ...stretchesAbove(volume, to, common)]
  const answers = await withinWindow(
    Promise.all(stretches.map(({ timeline, above, upTo }) => volume.changedPages(timeline, above, upTo))),
  )
  if (answers === undefined) return { common, pages: undefined }
  const pages = new Set<PageNo>()
  for (const answer of answers) for (const page of answer) pages.add(page)
  return { common, pages }
}

/** The answer, or undefined when it lies in history that is not kept any more. */
async function withinWindow<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'out-of-window') return undefined
    throw error
  }
}
