// The window functions (documentation, section 9.22). They have no code here: the window operator knows them by name.
// Aggregates are window functions too, without being listed.

import type { Definitions, WindowDefinition } from './definition.ts'

const window: WindowDefinition = { window: true }

export const windowFunctions: Definitions = {
  'row_number()': window,
  'rank()': window,
  'dense_rank()': window,
  'percent_rank()': window,
  'cume_dist()': window,
  'ntile(int4)': window,
  'lag(anyelement)': window,
  'lag(anyelement,int4)': window,
  'lag(anycompatible,int4,anycompatible)': window,
  'lead(anyelement)': window,
  'lead(anyelement,int4)': window,
  'lead(anycompatible,int4,anycompatible)': window,
  'first_value(anyelement)': window,
  'last_value(anyelement)': window,
  'nth_value(anyelement,int4)': window,
}
