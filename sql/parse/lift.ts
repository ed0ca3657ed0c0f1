// Lifting literals out of statements, for the simple protocol's plan cache: statements that differ in numbers and
// strings only share a plan. A scanner, not a parser: under two microseconds for a short statement.
//
//   SELECT abalance FROM pgbench_accounts WHERE aid = 4711
//     key     SELECT abalance FROM pgbench_accounts WHERE aid = $1 \0 i      values  [4711]
//
// How it works end to end. The session looks the key up in its plan cache. On a miss it parses `liftedText(key)` and
// analyses it with the kinds as `liftedKinds`: analysis treats $n exactly as the literal it stands for. An integer has
// the type of its size ('i' int4, 'l' int8), another number is numeric ('n'), and a string ('s') is an unknown literal
// that takes its type from its context. The plan's parameter types are then known; before each execution strings and
// numerics are read by the input function of their parameter's type, as the literal would have been.
//
// It must not be possible to tell. Whatever fails on the way (a syntax error, an analysis error, NotLiftable, an input
// error) is discarded, and the statement is run from its own text, which then raises the same error with the right
// position, or succeeds. So only what would succeed with another meaning must be left alone here:
//   - positions in ORDER BY and GROUP BY, DISTINCT and the target of ON CONFLICT, up to its DO (equal expressions must stay
//     equal: those of an index, say)
//   - literals with a type in front or INTERVAL fields behind, and E'', U&'', $$, B'', X'' and N'' ones
//   - a sign belongs to its number only where the grammar would make it so
// In doubt the literal is copied, or the statement not lifted at all.

import type { Int8 } from '../types/value.ts'

/** A statement with its literals taken out. */
export interface LiftedStatement {
  /** Text with $n for literals, a zero character, and the kinds. */
  readonly key: string
  /** In order of $n: numbers for kinds i and l, the literal's text for n and s. */
  readonly values: readonly (Int8 | string)[]
}

/** The text to parse for a key. */
export function liftedText(key: string): string {
  return key.slice(0, key.indexOf('\0'))
}

/** One letter a parameter: i, l, n, s. */
export function liftedKinds(key: string): string {
  return key.slice(key.indexOf('\0') + 1)
}

const TEXT_LENGTH_MAX = 4096
const LITERAL_COUNT_MAX = 64

/** What came before, as far as a literal or a sign may follow. */
const NOTHING = 0
/** A keyword that an expression follows. */
const KEYWORD = 1
/** Any other word: an identifier, a type's name, a keyword. */
const WORD = 2
/** An operator, an opening parenthesis or bracket, a comma. */
const OPERATOR = 3
/** The end of an operand. */
const OPERAND = 4

type Before = 0 | 1 | 2 | 3 | 4

/** Words that change something; all others are names to the scanner. */
const WORDS: ReadonlyMap<string, 'expression' | 'stop' | 'resume' | 'give up' | 'operand'> = new Map([
  ...words(
    'expression',
    'select where and or not then else when between like ilike having on from for any all symmetric set escape by returning case in values some',
  ),
  ...words('resume', 'limit offset do'),
  ...words('stop', 'order conflict'),
  ...words(
    'give up',
    'group distinct with union intersect except over window cast extract tablesample uescape normalize within partition prepare declare copy explain',
  ),
  ...words('operand', 'null true false default end'),
])

function words<Kind extends string>(kind: Kind, list: string): (readonly [string, Kind])[] {
  return list.split(' ').flatMap((word) => [[word, kind] as const, [word.toUpperCase(), kind] as const])
}

/** Neither all small nor all capital, as far as the first letter and the last tell. */
function isMixed(word: string): boolean {
  return word.length > 1 && (word.charCodeAt(0) & 32) !== (word.charCodeAt(word.length - 1) & 32)
}

/** Words that go on with a type's name after ::. */
const TYPE_WORDS: ReadonlySet<string> = new Set(['with', 'without', 'time', 'zone', 'varying', 'precision'])

/** Integers that fit their type with a minus sign only. */
const LIMITS: ReadonlySet<string> = new Set(['2147483648', '9223372036854775808'])

const ZERO = /\s*0+(?:\.0*)?(?![\d.eE])/y

const OTHER = 0
const LETTER = 1
const DIGIT = 2
const SPACE = 3
/** Underscore: part of words, but of none that WORDS knows. */
const UNDERSCORE = 4

/** Classes of ASCII characters; everything above is a letter. */
const CLASSES: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code)
  if (/[a-z]/i.test(char)) return LETTER
  if (char === '_') return UNDERSCORE
  if (/[0-9]/.test(char)) return DIGIT
  return /\s/.test(char) ? SPACE : OTHER
})

const classOf = (code: number): number =>
  code < 128 ? (CLASSES[code] ?? OTHER) : code >= 128 ? LETTER : OTHER
const isDigit = (code: number): boolean => code >= 48 && code <= 57
const isWordPart = (code: number): boolean => (classOf(code) & 3) !== 3 && classOf(code) !== OTHER
const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13)

/** The statement with its literals lifted; undefined when it has none or is better left as it is. */
export function liftLiterals(text: string): LiftedStatement | undefined {
  if (text.length > TEXT_LENGTH_MAX || !startsLiftable(text)) return undefined
  const scanner = new LiftScanner(text)
  return scanner.run() ? scanner.result() : undefined
}

/** SELECT, INSERT, UPDATE, DELETE: told by their first two letters, which no other statement shares... */
function startsLiftable(text: string): boolean {
  let i = 0
  while (isSpace(text.charCodeAt(i))) i++
  // ...but SET and SECURITY, and others with other letters after them: a word follows that is compared in full.
  const word = text.slice(i, i + 6)
  switch (word) {
    case 'SELECT':
    case 'select':
    case 'UPDATE':
    case 'update':
    case 'INSERT':
    case 'insert':
    case 'DELETE':
    case 'delete':
      return true
    default:
      return /^(?:select|update|insert|delete)/i.test(word)
  }
}

class LiftScanner {
  readonly #text: string
  #at = 0
  /** Everything before this has been copied into the key. */
  #copied = 0
  #key = ''
  #kinds = ''
  readonly #values: (Int8 | string)[] = []
  #before: Before = NOTHING
  /** After ORDER, until LIMIT or OFFSET; after CONFLICT, until DO. */
  #stopped = false
  /** After ::, while the type's name goes on. */
  #inType = false

  constructor(text: string) {
    this.#text = text
  }

  result(): LiftedStatement | undefined {
    if (this.#values.length === 0) return undefined
    const key = `${this.#key}${this.#text.slice(this.#copied)}\0${this.#kinds}`
    return { key, values: this.#values }
  }

  /** Scans to the end; false: do not lift this statement. */
  run(): boolean {
    const text = this.#text
    while (this.#at < text.length) {
      const code = text.charCodeAt(this.#at)
      switch (classOf(code)) {
        case SPACE:
          this.#at++
          break
        case LETTER:
        case UNDERSCORE:
          if (!this.#word()) return false
          break
        case DIGIT:
          if (!this.#number(this.#at)) return false
          break
        default:
          if (!this.#symbol(code)) return false
      }
    }
    return true
  }

  #word(): boolean {
    const text = this.#text
    const start = this.#at
    let end = start
    let code = 0
    // Keywords have letters only.
    let isName = false
    for (;;) {
      code = text.charCodeAt(end)
      const kind = classOf(code)
      if (kind === OTHER || kind === SPACE) break
      if (kind !== LETTER) isName = true
      end++
    }
    // A $ goes on with the word; a quote right after it makes E'', B'' and the like.
    if (code === 36 || code === 39 || (code === 38 && text.charCodeAt(end + 1) === 39)) return false
    this.#at = end
    if (isName && !this.#inType) {
      this.#before = WORD
      return true
    }
    return this.#classify(text.slice(start, end))
  }

  #classify(word: string): boolean {
    if (this.#inType) {
      if (this.#before === OPERATOR || TYPE_WORDS.has(word)) {
        this.#before = OPERAND
        return true
      }
      this.#inType = false
    }
    const kind = WORDS.get(word) ?? (isMixed(word) ? WORDS.get(word.toLowerCase()) : undefined)
    this.#before = kind === undefined || kind === 'stop' ? WORD : kind === 'operand' ? OPERAND : KEYWORD
    if (kind === 'give up') return false
    if (kind === 'stop') this.#stopped = true
    else if (kind === 'resume') this.#stopped = false
    return true
  }

  /** `start` is where the literal begins, its sign included; #at is at the first digit or the point. */
  #number(start: number): boolean {
    const text = this.#text
    if (this.#before === OPERAND) return false
    let isInteger = true
    let at = this.#at
    while (isDigit(text.charCodeAt(at))) at++
    if (text.charCodeAt(at) === 46) {
      isInteger = false
      at++
      while (isDigit(text.charCodeAt(at))) at++
    }
    if ((text.charCodeAt(at) | 32) === 101) {
      isInteger = false
      at++
      const sign = text.charCodeAt(at)
      if (sign === 43 || sign === 45) at++
      if (!isDigit(text.charCodeAt(at))) return false
      while (isDigit(text.charCodeAt(at))) at++
    }
    const next = text.charCodeAt(at)
    // Junk right behind it, a second point, or a range's dots: the grammar may decide.
    if (isWordPart(next) || next === 46 || next === 36) return false
    // A sign before parentheses changes the type of these, and only of these.
    if (isInteger && (at - this.#at === 10 || at - this.#at === 19) && LIMITS.has(text.slice(this.#at, at)))
      return false
    this.#at = at
    const isSigned = start !== this.#at && text.charCodeAt(start) === 45
    if (isSigned && this.#isFollowedByCast()) return false
    const canLift = this.#before !== WORD && !this.#stopped
    this.#before = OPERAND
    if (!canLift) return true
    const literal = text.slice(start, at)
    if (!isInteger) return this.#lift(start, 'n', literal)
    if (literal.length <= 9) return this.#lift(start, 'i', Number(literal))
    return this.#bigInteger(start, literal)
  }

  #bigInteger(start: number, literal: string): boolean {
    const number = Number(literal)
    if (number >= -2147483648 && number <= 2147483647) return this.#lift(start, 'i', number)
    if (Number.isSafeInteger(number)) return this.#lift(start, 'l', number)
    const big = BigInt(literal)
    const isInt8 = big >= -9223372036854775808n && big <= 9223372036854775807n
    return isInt8 ? this.#lift(start, 'l', big) : this.#lift(start, 'n', literal)
  }

  #lift(start: number, kind: 'i' | 'l' | 'n' | 's', value: Int8 | string): boolean {
    if (this.#values.length >= LITERAL_COUNT_MAX) return false
    this.#values.push(value)
    this.#kinds += kind
    this.#key += `${this.#text.slice(this.#copied, start)}$${this.#values.length}`
    this.#copied = this.#at
    return true
  }

  #isFollowedByCast(): boolean {
    let at = this.#at
    while (isSpace(this.#text.charCodeAt(at))) at++
    const code = this.#text.charCodeAt(at)
    return (code === 58 && this.#text.charCodeAt(at + 1) === 58) || code === 91
  }

  /** Dividing by a literal zero is an error of the plan, not of the rows it would be done for. */
  #isZeroNext(): boolean {
    ZERO.lastIndex = this.#at + 1
    return ZERO.test(this.#text)
  }

  #symbol(code: number): boolean {
    const text = this.#text
    const next = text.charCodeAt(this.#at + 1)
    switch (code) {
      case 39: // '
        return this.#string()
      case 34: // "
        return this.#quotedName()
      case 45: // -
        return next === 45 ? this.#lineComment() : this.#minus(next)
      case 47: // /
        if (next === 42) return this.#blockComment()
        if (this.#isZeroNext()) return false
        break
      case 37: // %
        if (this.#isZeroNext()) return false
        break
      case 46: // .
        if (isDigit(next)) return this.#before !== WORD && this.#number(this.#at)
        this.#at++
        // What follows a point is a name, and so is `schema.` after ::.
        if (!this.#inType) this.#before = WORD
        else this.#before = OPERATOR
        return true
      case 58: // :
        if (next === 58) {
          this.#at += 2
          this.#inType = true
          this.#before = OPERATOR
          return true
        }
        break
      case 40: // (
        if (this.#inType) return this.#typeModifiers()
        break
      case 41: // )
      case 93: // ]
        this.#at++
        this.#before = OPERAND
        return true
      case 91: // [
        this.#at++
        this.#before = OPERATOR
        return true
      case 59: // ;
        return this.#end()
      case 0:
      case 36: // $
      case 92: // \
        return false
      default:
    }
    this.#inType = false
    this.#at++
    this.#before = OPERATOR
    return true
  }

  #string(): boolean {
    const text = this.#text
    const start = this.#at
    if (this.#before === OPERAND) return false
    let at = start + 1
    let hasQuotes = false
    for (;;) {
      const code = text.charCodeAt(at)
      // A backslash means something else when standard_conforming_strings is off.
      if (Number.isNaN(code) || code === 92 || code === 0) return false
      if (code === 39) {
        if (text.charCodeAt(at + 1) !== 39) break
        hasQuotes = true
        at++
      }
      at++
    }
    this.#at = at + 1
    const canLift = this.#before !== WORD && !this.#stopped && !this.#isFollowedByInterval()
    this.#before = OPERAND
    if (!canLift) return true
    const body = text.slice(start + 1, at)
    return this.#lift(start, 's', hasQuotes ? body.replaceAll("''", "'") : body)
  }

  /** '1'::interval hour reads its text by the fields that follow. */
  #isFollowedByInterval(): boolean {
    if (!this.#isFollowedByCast()) return false
    return /^\s*::\s*(?:pg_catalog\s*\.\s*)?"?interval/i.test(this.#text.slice(this.#at, this.#at + 64))
  }

  #quotedName(): boolean {
    const end = this.#text.indexOf('"', this.#at + 1)
    if (end < 0) return false
    this.#at = end + 1
    this.#before = this.#inType ? OPERAND : WORD
    return true
  }

  /** A sign, if an operand is expected and a digit follows; else an operator. */
  #minus(next: number): boolean {
    const at = this.#at
    this.#inType = false
    const isUnary = this.#before === OPERATOR || this.#before === KEYWORD
    if (!isUnary || !(isDigit(next) || next === 46)) {
      this.#at++
      this.#before = OPERATOR
      return true
    }
    // Right behind another operator's characters it may belong to that operator.
    const previous = this.#text.charAt(at - 1)
    if ('~!@#%^&|`?+-'.includes(previous)) return false
    this.#at++
    return this.#number(at)
  }

  #lineComment(): boolean {
    const end = this.#text.indexOf('\n', this.#at)
    return this.#skip(end < 0 ? this.#text.length : end + 1)
  }

  #blockComment(): boolean {
    const end = this.#text.indexOf('*/', this.#at + 2)
    const inside = end < 0 ? undefined : this.#text.slice(this.#at + 2, end)
    if (inside === undefined || inside.includes('/*')) return false
    return this.#skip(end + 2)
  }

  /** Leaves a comment out of the key. */
  #skip(to: number): boolean {
    this.#key += `${this.#text.slice(this.#copied, this.#at)} `
    this.#at = to
    this.#copied = to
    return true
  }

  /** (10,2) after a type's name is copied. */
  #typeModifiers(): boolean {
    const end = this.#text.indexOf(')', this.#at)
    if (end < 0) return false
    this.#at = end + 1
    this.#before = OPERAND
    return true
  }

  /** A semicolon may end the text, not separate statements. */
  #end(): boolean {
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      if (!isSpace(this.#text.charCodeAt(at))) return false
    }
    this.#key += this.#text.slice(this.#copied, this.#at)
    this.#at = this.#text.length
    this.#copied = this.#text.length
    return true
  }
}
