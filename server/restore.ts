// Composition root of `borealis restore`: an archive in, the data directory of a new cluster out.
//
//   object store ─▶ restore ─▶ six RestoredNodes, all alike ─▶ ready for `borealis serve`

import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'

import { findInstant } from '../storage/archive/instant.ts'
import { openObjectStore } from '../storage/archive/open-store.ts'
import { countGroups, restore, type Restored, type RestoreTarget } from '../storage/archive/restore.ts'
import type { Clock } from '../storage/base/env.ts'
import { asEpoch, type GroupNo } from '../storage/base/ids.ts'
import type { Configuration, Member } from '../storage/message/configuration.ts'
import { openNodeDirectory } from '../storage/node/sqlite-node-directory.ts'
import { RestoredNode } from '../storage/node/restored-node.ts'
import { openDataDirectory } from '../storage/node/sqlite-data-directory.ts'
import { SqliteSegmentStore } from '../storage/node/sqlite-segment-store.ts'
import { ZONES } from './nodes/embedded-volume.ts'
import { StartError } from './start-error.ts'
import type { RestoreOptions } from './options/restore-options.ts'

/** Where the nodes' files are, and what unlocks them. */
interface NodeFiles {
  readonly members: readonly Member[]
  readonly files: readonly string[]
  unlock(): void
}

/** Restores into new directories. Rejects with StorageError or StartError, whose messages are fit for the user. */
export async function restoreCluster(
  options: RestoreOptions,
  around: { readonly clock: Clock; readonly log: Logger },
): Promise<Restored> {
  const { clock, log } = around
  const store = await openObjectStore(options.from, process.env)
  try {
    const { at, timeline } = options
    const atMicros = at !== undefined && 'lsn' in at ? await findInstant(store, timeline, at.lsn) : at?.micros
    const { groups, segmentSizeBytes } = await countGroups(store)
    const places = openPlaces(options)
    try {
      const configuration = newConfiguration(options, places.members, groups, segmentSizeBytes)
      const nodes = places.files.map(
        (file, index) => new RestoredNode(new SqliteSegmentStore(file), index + 1, configuration, clock),
      )
      try {
        const restored = await restore({ store, atMicros, target: everyNode(nodes) })
        for (const node of nodes) node.finish()
        log.info(
          { from: store.where, objects: restored.objectsRead, timelines: restored.cuts.size },
          'restored',
        )
        return restored
      } catch (error) {
        for (const node of nodes) node.close()
        throw error
      }
    } finally {
      places.unlock()
    }
  } finally {
    store.close()
  }
}

function openPlaces({ data, nodeData, quorum }: RestoreOptions): NodeFiles {
  if (nodeData.length === 0) {
    const directory = openDataDirectory(data, quorum.nodeCount)
    const members = Array.from({ length: quorum.nodeCount }, (_, index) => member(index, zoneOf(index)))
    return {
      members,
      files: members.map(({ node }) => directory.nodeFile(node)),
      unlock: () => directory.unlock(),
    }
  }
  const places = nodeData.map((text, index) => {
    const colon = text.indexOf(':')
    if (colon < 1) throw new StartError(`--node-data: "${text}" is not ZONE:DIR`)
    const zone = text.slice(0, colon)
    return {
      member: member(index, zone),
      directory: openNodeDirectory(text.slice(colon + 1), index + 1, zone),
    }
  })
  return {
    members: places.map((place) => place.member),
    files: places.map(({ directory }) => directory.file),
    unlock() {
      for (const { directory } of places) directory.unlock()
    },
  }
}

function zoneOf(index: number): string {
  return ZONES[index % ZONES.length] ?? ZONES[0]
}

function member(index: number, zone: string): Member {
  return { node: index + 1, zone, address: undefined, kind: 'full' }
}

function newConfiguration(
  { quorum }: RestoreOptions,
  members: readonly Member[],
  groups: number,
  segmentSizeBytes: number,
): Configuration {
  const slots = members.map((each) => ({ member: each, candidate: undefined }))
  return {
    clusterId: randomUUID(),
    membershipEpoch: asEpoch(0),
    geometryEpoch: asEpoch(groups),
    segmentSizeBytes,
    quorum: { ...quorum, fullWriteCount: 0 },
    zonesAway: [],
    groups: Array.from({ length: groups }, (_, group) => ({ group: group as GroupNo, slots })),
    spares: [],
  }
}

/** The same to every node. */
function everyNode(nodes: readonly RestoreTarget[]): RestoreTarget {
  const all =
    <Args extends readonly unknown[]>(call: (node: RestoreTarget, ...args: Args) => void) =>
    (...args: Args): void => {
      for (const node of nodes) call(node, ...args)
    }
  return {
    putTimeline: all((node, birth) => node.putTimeline(birth)),
    dropTimeline: all((node, timeline) => node.dropTimeline(timeline)),
    beginSegment: all((node, segment) => node.beginSegment(segment)),
    putImages: all((node, segment, images) => node.putImages(segment, images)),
    append: all((node, batches) => node.append(batches)),
    annul: all((node, timeline, ranges) => node.annul(timeline, ranges)),
  }
}
