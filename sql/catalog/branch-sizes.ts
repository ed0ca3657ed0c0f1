// What databases take on disk, one copy of it: from what storage says of timelines (volume.sizes).
//
//   root ────●──────▶            shared: of each ancestor, the share of what it holds that lies before the branch point
//            └──────●─────▶      history of "d": what a backtrack left, and versions that the present does not need
//                   └───▶ d      own: the rest of its own timeline

import type { Lsn, TimelineId } from '../../storage/base/ids.ts'
import type { TimelineSize } from '../../storage/message/message.ts'
import type { DatabaseEntry, ServerState } from './catalog.ts'

/** Bytes. */
export interface BranchSizes {
  readonly own: number
  readonly shared: number
  readonly history: number
}

/** A timeline as far as a branch reads it. */
interface Stretch {
  readonly timeline: TimelineId
  readonly upTo: Lsn
}

/** Sizes of some databases; undefined where no storage node answers. May suspend. */
export function branchSizes(
  server: ServerState,
  entries: readonly DatabaseEntry[],
): (entry: DatabaseEntry) => BranchSizes | undefined {
  const wanted = new Set<TimelineId>()
  for (const { timeline, past } of entries) {
    for (const { timeline: each } of lineage(server, timeline)) wanted.add(each)
    for (const each of past) wanted.add(each.timeline)
  }
  const found = server.timelineSizes([...wanted])
  if (found === undefined) return () => undefined
  const sizes = new Map(found.map((size) => [size.timeline, size]))
  return (entry) => sizesOf(server, sizes, entry)
}

/** A timeline and its ancestors, the nearest first. */
function lineage(server: ServerState, timeline: TimelineId): readonly Stretch[] {
  const found: Stretch[] = []
  let upTo = server.timeline(timeline).head
  for (let at: TimelineId | undefined = timeline; at !== undefined;) {
    found.push({ timeline: at, upTo })
    const { parent, base } = server.timeline(at)
    upTo = Math.min(upTo, base) as Lsn
    at = parent
  }
  return found
}

function sizesOf(
  server: ServerState,
  sizes: ReadonlyMap<TimelineId, TimelineSize>,
  { timeline, past }: DatabaseEntry,
): BranchSizes {
  const total = (id: TimelineId): number => {
    const size = sizes.get(id)
    return size === undefined ? 0 : size.logBytes + size.imageBytes
  }
  const [, ...ancestors] = lineage(server, timeline)
  const parts = new Map(ancestors.map((each) => [each.timeline, total(each.timeline) * share(server, each)]))
  const versions = Math.min(sizes.get(timeline)?.historyBytes ?? 0, total(timeline))
  let history = versions
  for (const { timeline: left } of past) history += total(left) - (parts.get(left) ?? 0)
  let shared = 0
  for (const part of parts.values()) shared += part
  return {
    own: Math.round(total(timeline) - versions),
    shared: Math.round(shared),
    history: Math.round(history),
  }
}

/** How much of a timeline's own log lies at or below a point, from 0 to 1. */
function share(server: ServerState, { timeline, upTo }: Stretch): number {
  const { base, head } = server.timeline(timeline)
  return head <= base ? 0 : Math.max(0, Math.min(1, (upTo - base) / (head - base)))
}
