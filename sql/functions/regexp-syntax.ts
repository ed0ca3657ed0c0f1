// PostgreSQL's regular expressions on JavaScript's. Advanced regular expressions (documentation, section 9.7.3) are
// translated, once a pattern, into the syntax of RegExp with the flag `u`.
//
//   pattern ── embedded options (?xyz), director ***  ──▶ options
//           ── atoms, escapes, bracket expressions    ──▶ JavaScript source ──▶ RegExp (cached by pattern and flags)
//
// Known differences, both rare in practice: PostgreSQL prefers the longest match where alternatives tie, JavaScript the
// first; and a pattern that mixes greedy with non-greedy quantifiers is greedy or not as a whole in PostgreSQL. For the
// second, all quantifiers get the preference of the first one, which finds the whole match that PostgreSQL finds.

import { SqlError, unsupported } from '../types/sql-error.ts'

/** What flags and embedded options say. */
export interface RegexpOptions {
  readonly ignoreCase: boolean
  /** 'x': white space and comments in the pattern are ignored. */
  readonly expanded: boolean
  /** 'n': . and [^ do not match a newline, ^ and $ match at lines; 'p' only the first, 'w' only the second. */
  readonly dotStopsAtNewline: boolean
  readonly anchorsAtLines: boolean
  /** 'q': the pattern is a literal string. */
  readonly literal: boolean
  /** 'b': basic regular expressions, which we do not do. */
  readonly basic: boolean
}

export const defaultOptions: RegexpOptions = {
  ignoreCase: false,
  expanded: false,
  dotStopsAtNewline: false,
  anchorsAtLines: false,
  literal: false,
  basic: false,
}

/** Options from flag letters; `allowGlobal`: 'g' is the caller's. SqlError 22023 for others. */
export function parseFlags(
  flags: string,
  allowGlobal: boolean,
): { options: RegexpOptions; isGlobal: boolean } {
  let options = defaultOptions
  let isGlobal = false
  for (const flag of flags) {
    if (flag === 'g' && allowGlobal) isGlobal = true
    else options = withFlag(options, flag)
  }
  return { options, isGlobal }
}

function withFlag(options: RegexpOptions, flag: string): RegexpOptions {
  switch (flag) {
    case 'i':
      return { ...options, ignoreCase: true }
    case 'c':
      return { ...options, ignoreCase: false }
    case 'x':
      return { ...options, expanded: true }
    case 't':
      return { ...options, expanded: false }
    case 'm':
    case 'n':
      return { ...options, dotStopsAtNewline: true, anchorsAtLines: true }
    case 'p':
      return { ...options, dotStopsAtNewline: true, anchorsAtLines: false }
    case 'w':
      return { ...options, dotStopsAtNewline: false, anchorsAtLines: true }
    case 's':
      return { ...options, dotStopsAtNewline: false, anchorsAtLines: false }
    case 'q':
      return { ...options, literal: true }
    case 'e':
      return { ...options, basic: false }
    case 'b':
      return { ...options, basic: true }
    default:
      throw new SqlError('22023', `invalid regular expression option: "${flag}"`)
  }
}

function invalid(reason: string): SqlError {
  return new SqlError('2201B', `invalid regular expression: ${reason}`)
}

const classes: Readonly<Record<string, string>> = {
  alnum: '\\p{L}\\p{N}',
  alpha: '\\p{L}',
  blank: ' \\t',
  cntrl: '\\0-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\p{L}\\p{N}\\p{P}\\p{S}\\p{M}',
  lower: '\\p{Ll}',
  print: '\\p{L}\\p{N}\\p{P}\\p{S}\\p{M} ',
  punct: '\\p{P}\\p{S}',
  space: '\\s',
  upper: '\\p{Lu}',
  xdigit: '0-9a-fA-F',
  word: '\\p{L}\\p{N}_',
}

/** Names of collating elements, [.space.] and [=x=]; single characters name themselves. */
const collatingNames: Readonly<Record<string, string>> = {
  NUL: '\0',
  tab: '\t',
  newline: '\n',
  'carriage-return': '\r',
  space: ' ',
  hyphen: '-',
  period: '.',
  comma: ',',
  slash: '/',
  backslash: '\\',
  'left-square-bracket': '[',
  'right-square-bracket': ']',
  circumflex: '^',
  underscore: '_',
}

const controlEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  B: '\\',
  e: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '0': '\0',
}

/** Marks behind quantifiers, replaced when the preference of the whole pattern is known. */
const LAZY = '\x01'
const GREEDY = '\x02'

/** A character as it can stand inside or outside of JavaScript's brackets under the flag u. */
function escapeCharacter(character: string): string {
  if (character === '-') return '\\x2d'
  if (/[\^$\\.*+?()[\]{}|/]/.test(character)) return `\\${character}`
  if (character < ' ') return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  return character
}

/** The translation of one pattern: a cursor over it, and what has been written. */
class Translator {
  private readonly pattern: string
  private readonly options: RegexpOptions
  private at = 0
  private groupCount = 0
  private openGroups = 0

  constructor(pattern: string, options: RegexpOptions) {
    this.pattern = pattern
    this.options = options
  }

  translate(): string {
    const branches = this.alternatives()
    if (this.at < this.pattern.length) throw invalid('parentheses () not balanced')
    const source = branches.join('|')
    // Alternatives on the top level make a pattern greedy, otherwise its first quantifier decides.
    const mark = branches.length > 1 ? GREEDY : /[\x01\x02]/.exec(source)?.[0]
    return source.replace(/[\x01\x02]/g, mark === LAZY ? '?' : '')
  }

  private peek(offset = 0): string {
    return this.pattern.charAt(this.at + offset)
  }

  private alternatives(): string[] {
    const branches = [this.branch()]
    while (this.peek() === '|') {
      this.at++
      branches.push(this.branch())
    }
    return branches
  }

  /** A sequence of quantified atoms. */
  private branch(): string {
    let source = ''
    for (;;) {
      if (this.options.expanded) this.skipBlanks()
      const next = this.peek()
      if (next === '' || next === '|' || (next === ')' && this.openGroups > 0)) return source
      const atom = this.atom()
      if (this.options.expanded) this.skipBlanks()
      source += atom + this.quantifier()
    }
  }

  private skipBlanks(): void {
    const blanks = /(?:\s+|#[^\n]*)*/y
    blanks.lastIndex = this.at
    this.at += blanks.exec(this.pattern)?.[0].length ?? 0
  }

  /** The quantifier here, with its mark, or nothing. */
  private quantifier(): string {
    const match = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/.exec(this.pattern.slice(this.at, this.at + 20))
    if (match === null) {
      if (this.peek() === '{' && /\d/.test(this.peek(1))) throw invalid('invalid repetition count(s)')
      return ''
    }
    const [whole, low, comma, high] = match
    if (low !== undefined) {
      const top = high === '' || high === undefined ? low : high
      if (Number(low) > 255 || Number(top) > 255 || Number(top) < Number(low)) {
        throw invalid('invalid repetition count(s)')
      }
    }
    this.at += whole.length
    const isLazy = this.peek() === '?'
    if (isLazy) this.at++
    if (/[*+?]/.test(this.peek())) throw invalid('quantifier operand invalid')
    const isFixed = low !== undefined && (comma === '' || low === high)
    return whole + (isFixed ? '' : isLazy ? LAZY : GREEDY)
  }

  private atom(): string {
    const character = this.character()
    switch (character) {
      case '(':
        return this.group()
      case '[':
        return this.brackets()
      case '.':
        return this.options.dotStopsAtNewline ? '[^\\n]' : '[^]'
      case '^':
        return this.options.anchorsAtLines ? '(?:^|(?<=\\n))' : '^'
      case '$':
        return this.options.anchorsAtLines ? '(?=\\n|$)' : '$'
      case '\\':
        return this.escape()
      case '*':
      case '+':
      case '?':
        throw invalid('quantifier operand invalid')
      case '{':
        if (/\d/.test(this.peek())) throw invalid('quantifier operand invalid')
        return '\\{'
      default:
        return escapeCharacter(character)
    }
  }

  /** Takes one whole character. */
  private character(): string {
    const character = String.fromCodePoint(this.pattern.codePointAt(this.at) ?? 0)
    this.at += character.length
    return character
  }

  private group(): string {
    let opening = '('
    const special = /^\?(?:[:=!]|<[=!])/.exec(this.pattern.slice(this.at, this.at + 3))
    if (special !== null) {
      opening += special[0]
      this.at += special[0].length
    } else if (this.peek() === '?' && this.peek(1) === '#') {
      const end = this.pattern.indexOf(')', this.at)
      if (end < 0) throw invalid('parentheses () not balanced')
      this.at = end + 1
      return ''
    } else if (this.peek() === '?') {
      throw invalid('quantifier operand invalid')
    } else {
      this.groupCount++
    }
    this.openGroups++
    const body = this.alternatives().join('|')
    if (this.peek() !== ')') throw invalid('parentheses () not balanced')
    this.at++
    this.openGroups--
    return `${opening}${body})`
  }

  private escape(): string {
    if (this.at >= this.pattern.length) throw invalid('invalid escape \\ sequence')
    const letter = this.character()
    const shorthand = {
      d: '[0-9]',
      D: '[^0-9]',
      s: '\\s',
      S: '\\S',
      w: '[\\p{L}\\p{N}_]',
      W: '[^\\p{L}\\p{N}_]',
    }[letter]
    if (shorthand !== undefined) return shorthand
    const wordBefore = '(?<=[\\p{L}\\p{N}_])'
    const wordAfter = '(?=[\\p{L}\\p{N}_])'
    const notBefore = '(?<![\\p{L}\\p{N}_])'
    const notAfter = '(?![\\p{L}\\p{N}_])'
    switch (letter) {
      case 'A':
        return '^'
      case 'Z':
        return '$'
      case 'm':
        return notBefore + wordAfter
      case 'M':
        return wordBefore + notAfter
      case 'y':
        return `(?:${notBefore}${wordAfter}|${wordBefore}${notAfter})`
      case 'Y':
        return `(?:${notBefore}${notAfter}|${wordBefore}${wordAfter})`
    }
    if (/[1-9]/.test(letter)) return this.backReference(letter)
    return escapeCharacter(this.characterEscape(letter))
  }

  private backReference(first: string): string {
    let digits = first
    while (/\d/.test(this.peek()) && Number(digits + this.peek()) <= this.groupCount)
      digits += this.character()
    if (Number(digits) > this.groupCount) throw invalid('invalid backreference number')
    return `(?:\\${digits})`
  }

  /** The one character that an escape names, inside and outside of brackets. */
  private characterEscape(letter: string): string {
    const width = { u: 4, U: 8 }[letter]
    if (width !== undefined || letter === 'x') {
      const digits = /^[0-9a-fA-F]*/.exec(this.pattern.slice(this.at, this.at + (width ?? 255)))?.[0] ?? ''
      if (digits === '' || (width !== undefined && digits.length !== width))
        throw invalid('invalid escape \\ sequence')
      this.at += digits.length
      return String.fromCodePoint(Number.parseInt(digits, 16))
    }
    if (letter === 'c') return String.fromCharCode(this.character().charCodeAt(0) & 0x1f)
    const control = controlEscapes[letter]
    if (control !== undefined) return control
    if (/[\p{L}\p{N}]/u.test(letter)) throw invalid('invalid escape \\ sequence')
    return letter
  }

  private brackets(): string {
    const special = /^\[:([<>]):\]\]/.exec(this.pattern.slice(this.at, this.at + 6))
    if (special !== null) {
      this.at += 6
      const isStart = special[1] === '<'
      return isStart ? '(?<![\\p{L}\\p{N}_])(?=[\\p{L}\\p{N}_])' : '(?<=[\\p{L}\\p{N}_])(?![\\p{L}\\p{N}_])'
    }
    const isNegated = this.peek() === '^'
    if (isNegated) this.at++
    let body = ''
    let isFirst = true
    while (isFirst || this.peek() !== ']') {
      if (this.at >= this.pattern.length) throw invalid('brackets [] not balanced')
      body += this.bracketItem()
      isFirst = false
    }
    this.at++
    if (isNegated) return `[^${body}${this.options.dotStopsAtNewline ? '\\n' : ''}]`
    return `[${body}]`
  }

  /** A character, a range, a class or a shorthand escape. */
  private bracketItem(): string {
    const start = this.bracketElement()
    if (start.isSet || this.peek() !== '-' || this.peek(1) === ']') return start.source
    this.at++
    const end = this.bracketElement()
    if (end.isSet || start.code > end.code) throw invalid('invalid character range')
    return `${start.source}-${end.source}`
  }

  private bracketElement(): { source: string; isSet: boolean; code: number } {
    let character = this.character()
    if (character === '[' && /[:.=]/.test(this.peek())) return this.bracketClass()
    if (character === '\\') {
      const letter = this.character()
      const shorthand = { d: '0-9', s: '\\s', w: '\\p{L}\\p{N}_' }[letter]
      if (shorthand !== undefined) return { source: shorthand, isSet: true, code: 0 }
      character = this.characterEscape(letter)
    }
    return { source: escapeCharacter(character), isSet: false, code: character.codePointAt(0) ?? 0 }
  }

  /** [:class:], [.element.] and [=element=], behind the first bracket. */
  private bracketClass(): { source: string; isSet: boolean; code: number } {
    const kind = this.character()
    const end = this.pattern.indexOf(`${kind}]`, this.at)
    if (end < 0) throw invalid('brackets [] not balanced')
    const name = this.pattern.slice(this.at, end)
    this.at = end + 2
    if (kind === ':') {
      const source = classes[name]
      if (source === undefined) throw invalid('invalid character class')
      const folded =
        this.options.ignoreCase && (name === 'lower' || name === 'upper') ? '\\p{Ll}\\p{Lu}' : source
      return { source: folded, isSet: true, code: 0 }
    }
    const element = Array.from(name).length === 1 ? name : collatingNames[name]
    if (element === undefined) throw invalid('invalid collating element')
    return { source: escapeCharacter(element), isSet: kind === '=', code: element.codePointAt(0) ?? 0 }
  }
}

/** JavaScript source and flags of an advanced regular expression. SqlError 2201B when it is none. */
export function translateRegexp(pattern: string, given: RegexpOptions): { source: string; flags: string } {
  let options = given
  let body = pattern
  if (body.startsWith('***=')) {
    options = { ...options, literal: true }
    body = body.slice(4)
  } else if (body.startsWith('***:')) {
    body = body.slice(4)
  } else if (body.startsWith('***')) {
    throw invalid('quantifier operand invalid')
  }
  const embedded = options.literal ? null : /^\(\?([a-z]+)\)/.exec(body)
  if (embedded !== null) {
    for (const letter of embedded[1] ?? '') {
      if (!'bceimnpqstwx'.includes(letter)) throw invalid('invalid embedded option')
      options = withFlag(options, letter)
    }
    body = body.slice(embedded[0].length)
  }
  if (options.basic) throw unsupported('regular expression option "b"')
  const source = options.literal
    ? Array.from(body, escapeCharacter).join('')
    : new Translator(body, options).translate()
  return { source, flags: options.ignoreCase ? 'iu' : 'u' }
}
