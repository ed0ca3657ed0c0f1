// What only jsonb can (documentation, section 9.16, tables 9.46 and 9.48): containment, existence, concatenation,
// deletion, and replacing inside. Values are texts in jsonb's one form; so are results, made of slices of them.

import type { Definitions } from './definition.ts'
import {
  elementsOf,
  encodeString,
  kindOf,
  makeArray,
  makeObject,
  memberOf,
  membersOf,
  textOf,
} from './json-text.ts'
import { compareNumeric, parseNumeric } from '../types/numeric.ts'
import { SqlError } from '../types/sql-error.ts'
import type { ArrayValue, Value } from '../types/value.ts'

const isContainer = (value: string): boolean => value.startsWith('{') || value.startsWith('[')

/** Scalars are equal when their texts are, numbers by value. */
function sameScalar(a: string, b: string): boolean {
  if (a === b) return true
  return (
    kindOf(a) === 'number' && kindOf(b) === 'number' && compareNumeric(parseNumeric(a), parseNumeric(b)) === 0
  )
}

/** a @> b below the top level, where a scalar is contained only in its equal. */
function containsInside(a: string, b: string): boolean {
  const kind = kindOf(b)
  if (kind === 'object') {
    if (kindOf(a) !== 'object') return false
    const members = new Map(membersOf(a))
    for (const [key, value] of membersOf(b)) {
      const own = members.get(key)
      if (own === undefined || !containsInside(own, value)) return false
    }
    return true
  }
  if (kind === 'array') {
    if (kindOf(a) !== 'array') return false
    const own = [...elementsOf(a)]
    return [...elementsOf(b)].every((wanted) => own.some((element) => containsInside(element, wanted)))
  }
  return !isContainer(a) && sameScalar(a, b)
}

/** a @> b: an array contains a scalar that is one of its elements too. */
export function contains(a: string, b: string): boolean {
  if (!isContainer(b) && kindOf(a) === 'array') return containsInside(a, `[${b}]`)
  return containsInside(a, b)
}

/** The ? operator: a key of an object, a string of an array, or the string itself. */
function exists(value: string, key: string): boolean {
  switch (kindOf(value)) {
    case 'object':
      return memberOf(value, key) !== undefined
    case 'array': {
      const wanted = encodeString(key)
      for (const element of elementsOf(value)) if (element === wanted) return true
      return false
    }
    case 'string':
      return value === encodeString(key)
    default:
      return false
  }
}

const keysOf = (keys: ArrayValue): string[] => keys.elements.filter((key) => key !== null).map(String)

function concatenate(a: string, b: string): string {
  const [x, y] = [kindOf(a), kindOf(b)]
  if (x === 'object' && y === 'object') return makeObject([...membersOf(a), ...membersOf(b)])
  const parts = (value: string): string[] => (kindOf(value) === 'array' ? [...elementsOf(value)] : [value])
  return makeArray([...parts(a), ...parts(b)])
}

function deleteKeys(value: string, keys: readonly string[]): string {
  const unwanted = new Set(keys)
  const kind = kindOf(value)
  if (kind === 'object') return makeObject([...membersOf(value)].filter(([key]) => !unwanted.has(key)))
  if (kind !== 'array') throw new SqlError('22023', 'cannot delete from scalar')
  const isKept = (element: string): boolean =>
    kindOf(element) !== 'string' || !unwanted.has(textOf(element) ?? '')
  return makeArray([...elementsOf(value)].filter(isKept))
}

function deleteElement(value: string, index: number): string {
  const kind = kindOf(value)
  if (kind === 'object') throw new SqlError('22023', 'cannot delete from object using integer index')
  if (kind !== 'array') throw new SqlError('22023', 'cannot delete from scalar')
  const elements = [...elementsOf(value)]
  const at = index < 0 ? elements.length + index : index
  return makeArray(elements.filter((_, i) => i !== at))
}

/** What to do at the end of a path. */
type Change = 'replace' | 'create' | 'insert-before' | 'insert-after' | 'delete'

class PathChange {
  private readonly path: readonly Value[]
  private readonly change: Change
  private readonly value: string

  constructor(path: ArrayValue, change: Change, value: string) {
    if (path.dimensions.length > 1) throw new SqlError('2202E', 'wrong number of array subscripts')
    this.path = path.elements
    this.change = change
    this.value = value
  }

  apply(target: string): string {
    if (!isContainer(target)) {
      throw new SqlError(
        '22023',
        this.change === 'delete' ? 'cannot delete path in scalar' : 'cannot set path in scalar',
      )
    }
    // Where there is nothing to change PostgreSQL does not look at the path.
    if (this.path.length === 0 || (!this.createsMissing && /^[{[][}\]]$/.test(target))) return target
    return this.at(target, 0)
  }

  private at(target: string, level: number): string {
    const step = this.step(level)
    const kind = kindOf(target)
    if (kind === 'object') return this.inObject(target, level, step)
    return kind === 'array' ? this.inArray(target, level, step) : target
  }

  private step(level: number): string {
    const step = this.path[level] ?? null
    if (step === null) throw new SqlError('22004', `path element at position ${level + 1} is null`)
    return step as string
  }

  private get createsMissing(): boolean {
    return this.change !== 'replace' && this.change !== 'delete'
  }

  private inObject(target: string, level: number, key: string): string {
    const isLast = level === this.path.length - 1
    const members = new Map(membersOf(target))
    const current = members.get(key)
    if (current === undefined) {
      if (!isLast || !this.createsMissing) return target
      members.set(key, this.value)
    } else if (!isLast) {
      members.set(key, this.at(current, level + 1))
    } else if (this.change === 'delete') {
      members.delete(key)
    } else if (this.change === 'insert-before' || this.change === 'insert-after') {
      throw new SqlError('22023', 'cannot replace existing key', {
        hint: 'Try using the function jsonb_set to replace key value.',
      })
    } else {
      members.set(key, this.value)
    }
    return makeObject(members)
  }

  private inArray(target: string, level: number, step: string): string {
    if (!/^\s*[+-]?\d+$/.test(step)) {
      throw new SqlError('22P02', `path element at position ${level + 1} is not an integer: "${step}"`)
    }
    const elements = [...elementsOf(target)]
    const given = Number(step)
    const isLast = level === this.path.length - 1
    const isBefore = given < 0 && -given > elements.length
    const index = given < 0 ? elements.length + given : given
    if (isLast && this.createsMissing && (isBefore || elements.length === 0)) {
      return makeArray([this.value, ...elements])
    }
    if (isBefore || index >= elements.length) {
      return isLast && this.createsMissing ? makeArray([...elements, this.value]) : target
    }
    const current = elements[index] ?? 'null'
    elements.splice(index, 1, ...(isLast ? this.changed(current) : [this.at(current, level + 1)]))
    return makeArray(elements)
  }

  /** What comes in the place of an element. */
  private changed(current: string): string[] {
    switch (this.change) {
      case 'delete':
        return []
      case 'insert-before':
        return [this.value, current]
      case 'insert-after':
        return [current, this.value]
      case 'create':
      case 'replace':
        return [this.value]
    }
  }
}

function set(target: string, path: ArrayValue, value: string, create: boolean): string {
  return new PathChange(path, create ? 'create' : 'replace', value).apply(target)
}

function insert(target: string, path: ArrayValue, value: string, after: boolean): string {
  return new PathChange(path, after ? 'insert-after' : 'insert-before', value).apply(target)
}

function setLax(
  target: string | null,
  path: ArrayValue | null,
  ...rest: [string | null, boolean | null, string | null]
): Value {
  const [value, create, forNull] = rest
  if (target === null || path === null || create === null) return null
  if (forNull !== null && value !== null) return set(target, path, value, create)
  switch (forNull) {
    case 'raise_exception':
      throw new SqlError('22004', 'JSON value must not be null', {
        detail: 'Exception was raised because null_value_treatment is "raise_exception".',
        hint: 'To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.',
      })
    case 'use_json_null':
      return set(target, path, 'null', create)
    case 'delete_key':
      return new PathChange(path, 'delete', '').apply(target)
    case 'return_target':
      return target
    default:
      throw new SqlError(
        '22023',
        'null_value_treatment must be "delete_key", "return_target", "use_json_null", or "raise_exception"',
      )
  }
}

export const jsonbFunctions: Definitions = {
  'jsonb_contains(jsonb,jsonb)': { call: contains },
  'jsonb_contained(jsonb,jsonb)': { call: (a: string, b: string) => contains(b, a) },
  'jsonb_exists(jsonb,text)': { call: exists },
  'jsonb_exists_any(jsonb,_text)': {
    call: (a: string, keys: ArrayValue) => keysOf(keys).some((key) => exists(a, key)),
  },
  'jsonb_exists_all(jsonb,_text)': {
    call: (a: string, keys: ArrayValue) => keysOf(keys).every((key) => exists(a, key)),
  },
  'jsonb_concat(jsonb,jsonb)': { call: concatenate },
  'jsonb_delete(jsonb,text)': { call: (a: string, key: string) => deleteKeys(a, [key]) },
  'jsonb_delete(jsonb,_text)': { call: (a: string, keys: ArrayValue) => deleteKeys(a, keysOf(keys)) },
  'jsonb_delete(jsonb,int4)': { call: deleteElement },
  'jsonb_delete_path(jsonb,_text)': {
    call: (a: string, path: ArrayValue) => new PathChange(path, 'delete', '').apply(a),
  },
  'jsonb_set(jsonb,_text,jsonb,bool)': {
    call: (a: string, ...rest: [ArrayValue, string, boolean]) => set(a, ...rest),
  },
  'jsonb_insert(jsonb,_text,jsonb,bool)': {
    call: (a: string, ...rest: [ArrayValue, string, boolean]) => insert(a, ...rest),
  },
  'jsonb_set_lax(jsonb,_text,jsonb,bool,text)': { call: setLax },
}
