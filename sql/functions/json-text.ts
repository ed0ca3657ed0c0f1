// JSON as text. json values are kept as they were typed and jsonb values as the text PostgreSQL prints, so a part of
// either is a slice of its text: nothing here builds a tree. The text is known to be valid (its type's input checked it).
//
//   {"a" : [1, 2]}          membersOf ──▶ a ─▶ '[1, 2]'          elementsOf ──▶ '1' '2'
//
// jsonb's form: ", " and ": " between parts, keys by length in bytes, then by bytes, each key once.

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'

const QUOTE = 34
const BACKSLASH = 92

function skipSpace(text: string, at: number): number {
  let i = at
  for (;;) {
    const unit = text.charCodeAt(i)
    if (unit !== 32 && unit !== 10 && unit !== 13 && unit !== 9) return i
    i++
  }
}

/** The index behind the string that begins at `at`. */
function endOfString(text: string, at: number): number {
  let i = at + 1
  for (;;) {
    const unit = text.charCodeAt(i)
    if (unit === QUOTE) return i + 1
    i += unit === BACKSLASH ? 2 : 1
  }
}

/** The index behind the value that begins at `at`. */
function endOfValue(text: string, at: number): number {
  const first = text.charCodeAt(at)
  if (first === QUOTE) return endOfString(text, at)
  if (first !== 123 && first !== 91) {
    let i = at
    while (i < text.length && !',]} \n\r\t'.includes(text.charAt(i))) i++
    return i
  }
  let depth = 0
  for (let i = at; ;) {
    const unit = text.charCodeAt(i)
    if (unit === QUOTE) {
      i = endOfString(text, i)
      continue
    }
    if (unit === 123 || unit === 91) depth++
    else if (unit === 125 || unit === 93) depth--
    i++
    if (depth === 0) return i
  }
}

export function kindOf(text: string): JsonKind {
  switch (text.charAt(skipSpace(text, 0))) {
    case '{':
      return 'object'
    case '[':
      return 'array'
    case '"':
      return 'string'
    case 't':
    case 'f':
      return 'boolean'
    case 'n':
      return 'null'
    default:
      return 'number'
  }
}

/** The members of an object in the order of the text, doubles included. */
export function* membersOf(text: string): Iterable<readonly [key: string, value: string]> {
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = endOfString(text, at)
    const key = decodeString(text.slice(at, keyEnd))
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const end = endOfValue(text, start)
    yield [key, text.slice(start, end)]
    at = skipSpace(text, end)
    if (text.charAt(at) === ',') at = skipSpace(text, at + 1)
  }
}

/** The elements of an array. */
export function* elementsOf(text: string): Iterable<string> {
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (text.charAt(at) !== ']') {
    const end = endOfValue(text, at)
    yield text.slice(at, end)
    at = skipSpace(text, end)
    if (text.charAt(at) === ',') at = skipSpace(text, at + 1)
  }
}

/** A JSON string's characters. */
export function decodeString(text: string): string {
  return text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1)
}

/** Characters as a JSON string, escaped as PostgreSQL does. */
export function encodeString(text: string): string {
  return JSON.stringify(text)
}

/** A member of an object, the last of equal ones; undefined when there is none. */
export function memberOf(text: string, key: string): string | undefined {
  let found: string | undefined
  for (const [name, value] of membersOf(text)) if (name === key) found = value
  return found
}

/** An element of an array; a negative index counts from the end. */
export function elementOf(text: string, index: number): string | undefined {
  if (index < 0) return [...elementsOf(text)].at(index)
  let i = 0
  for (const element of elementsOf(text)) if (i++ === index) return element
  return undefined
}

/** How many elements an array has. */
export function elementCount(text: string): number {
  let count = 0
  for (const _element of elementsOf(text)) count++
  return count
}

/** What ->> gives: a string's characters, null for JSON's null, the text of anything else. */
export function textOf(value: string): string | null {
  switch (kindOf(value)) {
    case 'null':
      return null
    case 'string':
      return decodeString(value.trim())
    default:
      return value
  }
}

/** jsonb's order of keys. */
export function compareKeys(a: string, b: string): number {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return x.length - y.length || Buffer.compare(x, y)
}

/** A jsonb object of values that are jsonb; the last of equal keys stays. */
export function makeObject(members: Iterable<readonly [key: string, value: string]>): string {
  const sorted = [...new Map(members)].sort(([a], [b]) => compareKeys(a, b))
  return `{${sorted.map(([key, value]) => `${encodeString(key)}: ${value}`).join(', ')}}`
}

/** A jsonb array of values that are jsonb. */
export function makeArray(elements: Iterable<string>): string {
  return `[${[...elements].join(', ')}]`
}

/** jsonb_pretty. */
export function prettyPrint(value: string, indent = ''): string {
  const inner = `${indent}    `
  const kind = kindOf(value)
  if (kind === 'object') {
    const lines = [...membersOf(value)].map(
      ([key, item]) => `${inner}${encodeString(key)}: ${prettyPrint(item, inner)}`,
    )
    return lines.length === 0 ? `{\n${indent}}` : `{\n${lines.join(',\n')}\n${indent}}`
  }
  if (kind === 'array') {
    const lines = [...elementsOf(value)].map((item) => `${inner}${prettyPrint(item, inner)}`)
    return lines.length === 0 ? `[\n${indent}]` : `[\n${lines.join(',\n')}\n${indent}]`
  }
  return value
}

/** The value without object members that are null, at any depth, in compact json. */
export function stripNulls(
  value: string,
  separators: { readonly comma: string; readonly colon: string },
): string {
  const kind = kindOf(value)
  if (kind === 'object') {
    const kept = [...membersOf(value)].filter(([, item]) => kindOf(item) !== 'null')
    const parts = kept.map(
      ([key, item]) => encodeString(key) + separators.colon + stripNulls(item, separators),
    )
    return `{${parts.join(separators.comma)}}`
  }
  if (kind === 'array') {
    return `[${[...elementsOf(value)].map((item) => stripNulls(item, separators)).join(separators.comma)}]`
  }
  return value.trim()
}
