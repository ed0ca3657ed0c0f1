// What a node tells, with its births among its timelines: for tests that look at all timelines in the same way.

import type { NodeState } from '../message.ts'
import { birthAt, birthCount, bornSegment, bornState, NO_BIRTHS } from '../packed-births.ts'

export function unpackedState(state: NodeState): NodeState {
  const births = Array.from({ length: birthCount(state.born) }, (_, index) => birthAt(state.born, index))
  return {
    ...state,
    born: NO_BIRTHS,
    timelines: [...state.timelines, ...births.map(bornState)],
    segments: [...state.segments, ...births.map(bornSegment)],
  }
}
