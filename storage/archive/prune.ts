// Drops what no restore within the retention needs: the newest base that is older than the retention's begin stays, and
// all that came after it; what is older goes. The order of deletion leaves a usable archive behind wherever it stops.

import type { GroupNo } from '../base/ids.ts'
import { baseComplete, basePrefix, type BaseRecord, decodeRecord, logPrefix, sequenceOf } from './format.ts'
import { listAll, type ObjectStore } from './object-store.ts'

/** A base that is complete. */
export interface FoundBase extends BaseRecord {
  readonly folder: string
}

/** The complete bases of a group, oldest first. */
export async function findBases(store: ObjectStore, group: GroupNo): Promise<FoundBase[]> {
  const bases: FoundBase[] = []
  for (const name of await listAll(store, basePrefix(group))) {
    const folder = name.slice(0, name.lastIndexOf('/') + 1)
    if (name !== baseComplete(folder)) continue
    const bytes = await store.get(name)
    if (bytes !== undefined) bases.push({ folder, ...decodeRecord<BaseRecord>(bytes, name) })
  }
  return bases
}

/** `beginMicros`: the oldest instant that a restore shall still reach. Resolves with the number of objects dropped. */
export async function prune(store: ObjectStore, group: GroupNo, beginMicros: number): Promise<number> {
  const bases = await findBases(store, group)
  const needed = bases.findLast(({ completedMicros }) => completedMicros <= beginMicros)
  if (needed === undefined) return 0
  const old: string[] = []
  for (const name of await listAll(store, logPrefix(group))) {
    if (sequenceOf(name) < needed.nextSequence) old.push(name)
  }
  for (const { folder } of bases) {
    if (folder >= needed.folder) continue
    // `complete` goes first: without it the rest is no base.
    old.push(baseComplete(folder))
    for (const name of await listAll(store, folder)) if (name !== baseComplete(folder)) old.push(name)
  }
  for (const name of old) await store.delete(name)
  return old.length
}
