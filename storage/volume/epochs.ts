// Epochs count generations. Each writer has a volume epoch of its own; the membership epochs of its configurations are
// numbered from there, so that whatever an earlier writer left behind half done, on nodes that a later one did not
// hear, is older than anything that the later one decides.
//
//   volume epoch 7:   membership epochs 7000000 (as recovery found it), 7000001, 7000002, ...

import { assert } from '../base/assert.ts'
import { asEpoch, type Epoch } from '../base/ids.ts'

const CONFIGURATIONS_PER_WRITER = 1_000_000

/** The membership epoch with which a writer begins. */
export function firstMembershipEpoch(volumeEpoch: Epoch): Epoch {
  return asEpoch(volumeEpoch * CONFIGURATIONS_PER_WRITER)
}

/** The volume epoch of the writer that decided a configuration. */
export function epochOfWriter(membershipEpoch: Epoch): number {
  return Math.floor(membershipEpoch / CONFIGURATIONS_PER_WRITER)
}

export function nextMembershipEpoch(membershipEpoch: Epoch): Epoch {
  const next = asEpoch(membershipEpoch + 1)
  assert(
    epochOfWriter(next) === epochOfWriter(membershipEpoch),
    'a writer changes members less than a million times',
  )
  return next
}
