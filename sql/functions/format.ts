// to_char, to_date, to_timestamp and to_number (documentation, section 9.8). The template engines are in sql/types.

import type { Definitions } from './definition.ts'
import {
  formatIntervalPattern,
  formatTimestampPattern,
  formatTimestampTzPattern,
} from '../types/format-datetime.ts'
import { formatFloatPattern, formatIntegerPattern, formatNumericPattern } from '../types/format-numeric.ts'
import type { Interval } from '../types/interval.ts'
import type { Numeric } from '../types/numeric.ts'
import { parseDatePattern, parseTimestampPattern } from '../types/parse-datetime-pattern.ts'
import { parseNumericPattern } from '../types/parse-numeric-pattern.ts'
import type { Int8 } from '../types/value.ts'

export const formatFunctions: Definitions = {
  'to_char(timestamp,text)': { call: (at: Int8, pattern: string) => formatTimestampPattern(at, pattern) },
  'to_char(timestamptz,text)': {
    context: (context, at: Int8, pattern: string) => formatTimestampTzPattern(at, pattern, context),
  },
  'to_char(interval,text)': {
    call: (value: Interval, pattern: string) => formatIntervalPattern(value, pattern),
  },
  'to_char(int4,text)': {
    call: (value: number, pattern: string) => formatIntegerPattern(value, pattern, false),
  },
  'to_char(int8,text)': {
    call: (value: Int8, pattern: string) => formatIntegerPattern(value, pattern, true),
  },
  'to_char(numeric,text)': {
    call: (value: Numeric, pattern: string) => formatNumericPattern(value, pattern),
  },
  'to_char(float4,text)': { call: (value: number, pattern: string) => formatFloatPattern(value, pattern, 6) },
  'to_char(float8,text)': {
    call: (value: number, pattern: string) => formatFloatPattern(value, pattern, 15),
  },
  'to_number(text,text)': { call: (text: string, pattern: string) => parseNumericPattern(text, pattern) },
  'to_date(text,text)': { call: (text: string, pattern: string) => parseDatePattern(text, pattern) },
  'to_timestamp(text,text)': {
    context: (context, text: string, pattern: string) => parseTimestampPattern(text, pattern, context),
  },
}
