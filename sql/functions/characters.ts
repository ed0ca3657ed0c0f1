// Text by characters. PostgreSQL counts code points, JavaScript UTF-16 units; they differ only where surrogates are, so
// each function here first asks whether there are any. Letter case follows C.UTF-8: character by character, and a
// character whose other case is several (sharp s) keeps its own.

import { characterCount } from '../types/text.ts'

const surrogate = /[\ud800-\udfff]/
const nonAscii = /[^\0-\x7f]/

/** Characters [start, end) of the text, 0-based; both may lie outside. */
export function sliceCharacters(text: string, start: number, end: number): string {
  const from = Math.max(start, 0)
  if (end <= from) return ''
  if (!surrogate.test(text)) return text.slice(from, end)
  return Array.from(text).slice(from, end).join('')
}

/** The 0-based character index of a UTF-16 index. */
export function characterIndex(text: string, unitIndex: number): number {
  return characterCount(text.slice(0, unitIndex))
}

/** The UTF-16 index of a 0-based character index; the text's length when it lies behind the end. */
export function unitIndex(text: string, characterIndex: number): number {
  if (!surrogate.test(text)) return Math.min(characterIndex, text.length)
  let at = 0
  for (let i = 0; i < characterIndex && at < text.length; i++) {
    at += (text.charCodeAt(at) & 0xfc00) === 0xd800 ? 2 : 1
  }
  return at
}

/** The text's characters, one string each. */
export function charactersOf(text: string): string[] {
  return surrogate.test(text) ? Array.from(text) : text.split('')
}

function mapCase(text: string, map: (character: string) => string): string {
  let result = ''
  for (const character of text) {
    const mapped = map(character)
    result += characterCount(mapped) === 1 ? mapped : character
  }
  return result
}

export function lowerCase(text: string): string {
  if (!nonAscii.test(text)) return text.toLowerCase()
  return mapCase(text, (character) => (character === '\u0130' ? 'i' : character.toLowerCase()))
}

export function upperCase(text: string): string {
  if (!nonAscii.test(text)) return text.toUpperCase()
  return mapCase(text, (character) => character.toUpperCase())
}

const alphanumeric = /[\p{L}\p{N}]/u

/** The first letter of each word in upper case, the others in lower; words are runs of letters and digits. */
export function capitalise(text: string): string {
  let result = ''
  let isInside = false
  for (const character of text) {
    result += isInside ? lowerCase(character) : upperCase(character)
    isInside = alphanumeric.test(character)
  }
  return result
}
