// Where the log of a timeline stands when the volume opens it, or begins it: what recovery decides of it.

import { FIRST_GROUP, type GroupNo, type Lsn, LSN_ZERO } from '../base/ids.ts'
import type { AnnulledRange, TimelineBirth } from '../message/message.ts'

/** A group in which the timeline has a segment; it holds nothing of the timeline at or below `after`. */
export interface OpenGroup {
  readonly group: GroupNo
  readonly after: Lsn
  /** The timeline's last consistency point up to `after`. */
  readonly consistent: Lsn
}

/** Where a log stands when the volume opens it. */
export interface LogStart {
  readonly birth: TimelineBirth
  readonly dropped: boolean
  readonly annulled: readonly AnnulledRange[]
  readonly groups: readonly OpenGroup[]
  readonly vdl: Lsn
  readonly tail: Lsn
}

/** The segments of a timeline that was never written beyond the first group. */
export const FIRST_GROUP_ONLY: readonly OpenGroup[] = [
  { group: FIRST_GROUP, after: LSN_ZERO, consistent: LSN_ZERO },
]
