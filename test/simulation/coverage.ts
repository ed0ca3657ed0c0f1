// What happened in a run: counters that show that the generator still generates. A fault that nobody meets finds
// nothing, so a run of many seeds fails when one of the EXPECTED never happened.

/** Everything a run of some hundred seeds must have seen. */
export const EXPECTED = [
  'message lost',
  'message doubled',
  'message cut off by a partition',
  'node crash',
  'node crash before a disk write',
  'node crash after a disk write',
  'derived writes lost',
  'batch torn',
  'batch rotten',
  'image rotten',
  'disk full',
  'disk slow',
  'zone lost',
  'partition',
  'all connections of a writer broken',
  'writer crash',
  'writer crash while opening',
  'second writer',
  'fenced writer noticed',
  'recovery',
  'opening with a read quorum',
  'read before the volume is settled',
  'truncation',
  'append acknowledged',
  'append in slices',
  'commit record',
  'branch',
  'branch of a branch',
  'backtrack',
  'drop',
  'growth',
  'spare added',
  'replacement begun',
  'replacement ended',
  'replacement reverted',
  'zone taken out',
  'zone taken back',
  'read floor raised',
  'batch collected',
  'image collected',
  'batch gossiped',
  'image copied',
  'image made',
  'read checked',
  'read below the floor refused',
  'time checked',
  'segment checked',
] as const

export type Covered = (typeof EXPECTED)[number]

export class Coverage {
  readonly counts: Map<Covered, number> = new Map()

  count(what: Covered, times = 1): void {
    if (times > 0) this.counts.set(what, (this.counts.get(what) ?? 0) + times)
  }

  add(other: Coverage): void {
    for (const [what, times] of other.counts) this.count(what, times)
  }

  /** What should have happened and did not. */
  missing(): readonly Covered[] {
    return EXPECTED.filter((what) => !this.counts.has(what))
  }

  /** A table of a line per counter. */
  toString(): string {
    return EXPECTED.map((what) => `${String(this.counts.get(what) ?? 0).padStart(10)}  ${what}`).join('\n')
  }
}
