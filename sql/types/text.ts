// The order of text. The database's collation is C over UTF-8: strings compare as their UTF-8 bytes, which is
// the order of code points. JavaScript's < compares UTF-16 code units, which differs in one place only:
// surrogates (code points from U+10000) sort below U+E000..U+FFFF although their code points lie above.

/** <0, 0, >0 in the order of the strings' UTF-8 bytes (C collation). */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  const length = a.length < b.length ? a.length : b.length
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return x >= 0xd800 && y >= 0xd800 ? codePointRank(x) - codePointRank(y) : x - y
  }
  return a.length - b.length
}

/** A number that never falls along compareText's order: the first three units, as far as no surrogate is near. */
export function textRank(text: string): number {
  let rank = 0
  for (let i = 0; i < 3; i++) {
    const unit = i < text.length ? text.charCodeAt(i) : 0
    if (unit >= 0xd800) return (rank * 0x1_0000 + 0xd800) * 0x1_0000 ** (2 - i)
    rank = rank * 0x1_0000 + unit
  }
  return rank
}

/** Lifts surrogates above the units U+E000..U+FFFF; for units from U+D800 only. */
function codePointRank(unit: number): number {
  return unit < 0xe000 ? unit + 0x1_0000 : unit
}

/** Number of characters (code points) in a string, as PostgreSQL counts them. */
export function characterCount(text: string): number {
  let count = text.length
  for (let i = 0; i < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) count--
  }
  return count
}

/** The first `count` characters (code points). */
export function firstCharacters(text: string, count: number): string {
  if (text.length <= count) return text
  let units = 0
  for (let i = 0; i < count && units < text.length; i++) {
    units += (text.charCodeAt(units) & 0xfc00) === 0xd800 ? 2 : 1
  }
  return text.slice(0, units)
}
