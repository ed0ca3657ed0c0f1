// FOR UPDATE and its kin.

import type { RowLocking } from '../tree/query.ts'
import { unsupported } from '../types/sql-error.ts'
import type { Group } from './join-group.ts'
import type { OuterScope } from './layout.ts'
import type { Output, Planned } from './path.ts'
import type { Planner } from './planner.ts'

export function lockingOutputs(_group: Group, _locking: readonly RowLocking[]): Output[] {
  throw unsupported('FOR UPDATE')
}

export function planLocking(
  _planner: Planner,
  planned: Planned,
  _group: Group,
  _locking: readonly RowLocking[],
  _outer: OuterScope | undefined,
): Planned {
  return planned
}
