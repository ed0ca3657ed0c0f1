// A batch that is damaged on one node's disk is put back from a peer that has it.

import { StorageError } from '../base/errors.ts'
import type { Lsn } from '../base/ids.ts'
import type { SegmentKey } from '../message/message.ts'
import type { NodeLink } from './node-link.ts'

const PATIENCE_MS = 2000

export class Repairs {
  readonly #peersOf: (segment: SegmentKey, lsn: Lsn) => readonly NodeLink[]
  readonly #underWay = new Set<string>()

  constructor(peersOf: (segment: SegmentKey, lsn: Lsn) => readonly NodeLink[]) {
    this.#peersOf = peersOf
  }

  /** `link` said that its batch at `lsn` is damaged. */
  async repair(link: NodeLink, { timeline, group }: SegmentKey, lsn: Lsn): Promise<void> {
    const key = `${link.id}/${timeline}/${group}/${lsn}`
    if (this.#underWay.has(key)) return
    this.#underWay.add(key)
    try {
      for (const peer of this.#peersOf({ timeline, group }, lsn)) {
        if (peer === link) continue
        const after = (lsn - 1) as Lsn
        const fetch = { kind: 'fetch-log', timeline, group, after, sizeMax: 1 } as const
        const log = await peer.request(fetch, PATIENCE_MS)
        const batch = log.kind === 'log' ? log.batches[0] : undefined
        if (batch === undefined) continue
        await link.request({ kind: 'repair', batch }, PATIENCE_MS)
        return
      }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      link.error = error
    } finally {
      this.#underWay.delete(key)
    }
  }
}
