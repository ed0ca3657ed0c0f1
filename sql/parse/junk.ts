// Numbers and parameters with letters right behind them. PostgreSQL 15 refuses `1a` and `$1a`; the scanner in libpg-query
// is a little older and reads `1 AS a`, so what it accepted is looked at again.

import type { SqlError } from '../types/sql-error.ts'
import { syntaxError } from './syntax-error.ts'

/** Whether there could be any: most texts end here. */
const SUSPICIOUS = /(?:^|[^\w$\x80-\uffff])[$]?\d[\d.]*[a-z_\x80-\uffff]/i

/** One token after another: what must be skipped whole, or a number, or a parameter. */
const TOKENS =
  /--[^\n]*|\/\*|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?:[a-z_\x80-\uffff][\w\x80-\uffff]*)?\$|[a-z_\x80-\uffff][\w$\x80-\uffff]*|\$\d+|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/giy

/** The error for the first junk in a text that the grammar accepted; undefined if there is none. */
export function junkAfterNumber(text: string): SqlError | undefined {
  if (!SUSPICIOUS.test(text)) return undefined
  let at = 0
  while (at < text.length) {
    TOKENS.lastIndex = at
    const token = TOKENS.exec(text)?.[0]
    if (token === undefined) {
      at++
      continue
    }
    const start = at
    at = endOfToken(text, at, token)
    const isParameter = /^\$\d/.test(token)
    if (!isParameter && !/^[.\d]/.test(token)) continue
    const junk = text.charAt(at)
    if (!/[a-z_\x80-\uffff]/i.test(junk)) continue
    const kind = isParameter ? 'parameter' : 'numeric literal'
    const characters = Array.from(text.slice(0, start)).length
    return syntaxError(
      `trailing junk after ${kind} at or near "${text.slice(start, at + 1)}"`,
      characters,
      text,
    )
  }
  return undefined
}

/** Comments nest, dollar quotes end with their own tag, E'' has escapes; all other tokens end where they match. */
function endOfToken(text: string, at: number, token: string): number {
  const end = at + token.length
  if (token === '/*') return endOfComment(text, at)
  if (token.startsWith('$') && token.endsWith('$') && token.length > 1) {
    const close = text.indexOf(token, end)
    return close < 0 ? text.length : close + token.length
  }
  if (/^e$/i.test(token) && text.charAt(end) === "'") {
    const escaped = /'(?:[^'\\]|''|\\[^])*'/y
    escaped.lastIndex = end
    return end + (escaped.exec(text)?.[0].length ?? 0)
  }
  return end
}

function endOfComment(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    if (text.startsWith('/*', at)) {
      depth++
      at++
    } else if (text.startsWith('*/', at)) {
      at++
      if (--depth === 0) return at + 1
    }
  }
  return text.length
}
