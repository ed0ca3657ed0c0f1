// IP addresses in text: IPv4, and IPv6 in its many spellings (RFC 4291), with or without a prefix length.

export interface IpAddress {
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array
  /** Prefix length. */
  readonly bits: number
}

const DECIMAL_OCTET = /^\d{1,3}$/

/** Octets of a dotted address; undefined when one is none. */
function parseOctets(text: string): number[] | undefined {
  const octets = text.split('.').map((part) => (DECIMAL_OCTET.test(part) ? Number(part) : 256))
  return octets.length <= 4 && octets.every((octet) => octet <= 255) ? octets : undefined
}

/** Prefix length behind a slash; undefined when it is none or too long. */
function parsePrefix(text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined
  return /^\d+$/.test(text) && Number(text) <= max ? Number(text) : -1
}

/**
 * inet and cidr text; undefined when it is no address. `isCidr` allows missing octets and guesses their
 * prefix.
 */
export function parseIpAddress(text: string, isCidr: boolean): IpAddress | undefined {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const prefixText = slash < 0 ? undefined : text.slice(slash + 1)
  return address.includes(':') ? parseIpv6(address, prefixText) : parseIpv4(address, prefixText, isCidr)
}

function parseIpv4(address: string, prefixText: string | undefined, isCidr: boolean): IpAddress | undefined {
  const octets = parseOctets(address.endsWith('.') && isCidr ? address.slice(0, -1) : address)
  const prefix = parsePrefix(prefixText, 32)
  if (octets === undefined || prefix === -1) return undefined
  if (!isCidr && octets.length < 4 && (prefix ?? 32) > octets.length * 8) return undefined
  const bytes = new Uint8Array(4)
  bytes.set(octets)
  return { bytes, bits: prefix ?? (isCidr ? classfulBits(octets) : 32) }
}

/** The prefix of a cidr without one: by the class of its address, at least what was written. */
function classfulBits(octets: readonly number[]): number {
  const first = octets[0] as number
  const byClass = first >= 240 ? 32 : first >= 224 ? 8 : first >= 192 ? 24 : first >= 128 ? 16 : 8
  const written = octets.length * 8
  const bits = Math.max(byClass, written)
  return first >= 224 && first < 240 && bits === 8 && octets.length === 1 ? 4 : bits
}

function parseIpv6(address: string, prefixText: string | undefined): IpAddress | undefined {
  const prefix = parsePrefix(prefixText, 128)
  if (prefix === -1) return undefined
  const halves = address.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map(parseGroups)
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined
  const bytes = new Uint8Array(16)
  if (tail === undefined) {
    if (head.length !== 16) return undefined
  } else if (head.length + tail.length > 14) {
    return undefined
  }
  bytes.set(head)
  if (tail !== undefined) bytes.set(tail, 16 - tail.length)
  return { bytes, bits: prefix ?? 128 }
}

/** The bytes of groups of hex digits; the last may be a dotted IPv4 address. */
function parseGroups(text: string): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [i, group] of groups.entries()) {
    if (group.includes('.')) {
      const octets = parseOctets(group)
      if (i < groups.length - 1 || octets?.length !== 4) return undefined
      bytes.push(...octets)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    }
  }
  return bytes.length <= 16 ? bytes : undefined
}

/** The canonical text of an address without its prefix. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from(
    { length: 8 },
    (_, i) => ((bytes[i * 2] as number) << 8) | (bytes[i * 2 + 1] as number),
  )
  const run = longestZeroRun(groups)
  // ::a.b.c.d and ::ffff:a.b.c.d keep their dotted tail.
  const isMapped = run.start === 0 && (run.length === 6 || (run.length === 5 && groups[5] === 0xffff))
  if (isMapped) return `::${run.length === 5 ? 'ffff:' : ''}${bytes.subarray(12).join('.')}`
  const hex = groups.map((group) => group.toString(16))
  if (run.length < 2) return hex.join(':')
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  return best
}

/** Whether all bits right of the prefix are zero. */
export function isNetwork({ bytes, bits }: IpAddress): boolean {
  return bytes.every((byte, i) => (byte & hostMask(bits, i)) === 0)
}

/** The bits of byte `index` that lie right of the prefix. */
export function hostMask(bits: number, index: number): number {
  const kept = Math.min(8, Math.max(0, bits - index * 8))
  return 0xff >> kept
}
