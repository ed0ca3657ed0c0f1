// The ends of a comparison: from the text, time or LSN that a user gave to an open place.
//
//   'dev'          a database: its present           '-10 min', '0/16B3748', ...   the current database then
//   'dev@-1 day'   a database then

import { type ComparisonEnd } from '../../functions/borealis.ts'
import { NOW, parseWhen, type When } from '../../functions/when.ts'
import type { SessionCore } from '../session-core.ts'
import type { Places, ServicePlace } from './places.ts'

/** SqlError 3D000, 22007 and those of databaseAt. May suspend. */
export function openEnd(core: SessionCore, places: Places, end: ComparisonEnd): ServicePlace {
  if (typeof end !== 'string') return places.open({ branch: null, when: end })
  const { shared } = core.catalog
  if (shared.databaseByName(end) !== undefined) return places.open({ branch: end, when: NOW })
  const at = end.indexOf('@')
  const name = end.slice(0, Math.max(at, 0))
  if (at > 0 && shared.databaseByName(name) !== undefined)
    return places.open({ branch: name, when: whenOf(core, end.slice(at + 1)) })
  return places.open({ branch: null, when: whenOf(core, end) })
}

function whenOf(core: SessionCore, text: string): When {
  return parseWhen(text, core.context)
}
