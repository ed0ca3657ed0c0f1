// inet, cidr, macaddr and macaddr8 (documentation, section 8.9). Values are canonical texts; sent as
// PostgreSQL sends them and stored the same way.
//
//   inet   u8 family (2, 3) | u8 prefix | u8 is cidr | u8 address bytes | address
//   key    u8 family | network | u8 prefix | address: networks contain what follows them

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Behaviour } from './define-type.ts'
import { expectBytes, insufficientData, invalidSyntax, trimSpace } from './input-errors.ts'
import { formatIp, hostMask, type IpAddress, isNetwork, parseIpAddress } from './ip-address.ts'
import { SqlError } from './sql-error.ts'

function parse(text: string, isCidr: boolean): IpAddress {
  const typeName = isCidr ? 'cidr' : 'inet'
  const address = parseIpAddress(text, isCidr)
  if (address === undefined) throw invalidSyntax(typeName, text)
  if (isCidr && !isNetwork(address)) {
    throw new SqlError('22P02', `invalid cidr value: "${text}"`, {
      detail: 'Value has bits set to right of mask.',
    })
  }
  return address
}

function format({ bytes, bits }: IpAddress, isCidr: boolean): string {
  const text = formatIp(bytes)
  return isCidr || bits < bytes.length * 8 ? `${text}/${bits}` : text
}

function networkBehaviour(isCidr: boolean): Behaviour<string> {
  const write = (value: string, writer: ByteWriter): void => {
    const { bytes, bits } = parse(value, isCidr)
    writer.uint8(bytes.length === 4 ? 2 : 3)
    writer.uint8(bits)
    writer.uint8(isCidr ? 1 : 0)
    writer.uint8(bytes.length)
    writer.raw(bytes)
  }
  const read = (bytes: Buffer, start: number): string => {
    const size = bytes[start + 3] as number
    return format(
      { bytes: bytes.subarray(start + 4, start + 4 + size), bits: bytes[start + 1] as number },
      isCidr,
    )
  }
  const encodeKey = (value: string, writer: ByteWriter): void => {
    const { bytes, bits } = parse(value, isCidr)
    writer.uint8(bytes.length)
    bytes.forEach((byte, i) => writer.uint8(byte & ~hostMask(bits, i)))
    writer.uint8(bits)
    writer.raw(bytes)
  }
  return {
    input: (text) => format(parse(text, isCidr), isCidr),
    output: (value) => value,
    receive: (bytes, start, end) => receiveNetwork(bytes, start, end, isCidr),
    send: write,
    compare: (a, b) => (a === b ? 0 : compareAddresses(parse(a, isCidr), parse(b, isCidr))),
    hashKey: (value) => value,
    encodeKey,
    encodeStored: write,
    decodeStored: read,
  }
}

function receiveNetwork(bytes: Buffer, start: number, end: number, isCidr: boolean): string {
  const invalid = (what: string): SqlError =>
    new SqlError('22P03', `invalid ${what} in external "${isCidr ? 'cidr' : 'inet'}" value`)
  if (end - start < 4) throw insufficientData()
  const family = bytes[start] as number
  if (family !== 2 && family !== 3) throw invalid('address family')
  const size = family === 2 ? 4 : 16
  const bits = bytes[start + 1] as number
  if (bits > size * 8) throw invalid('bits')
  if (bytes[start + 3] !== size) throw invalid('length')
  expectBytes(start + 4, end, size)
  const address = { bytes: bytes.subarray(start + 4, end), bits }
  if (isCidr && !isNetwork(address)) {
    throw new SqlError('22P03', 'invalid external "cidr" value', {
      detail: 'Value has bits set to right of mask.',
    })
  }
  return format(address, isCidr)
}

/** Families, then networks, then prefixes, then whole addresses. */
function compareAddresses(a: IpAddress, b: IpAddress): number {
  if (a.bytes.length !== b.bytes.length) return a.bytes.length - b.bytes.length
  const common = Math.min(a.bits, b.bits)
  for (let i = 0; i * 8 < common; i++) {
    const mask = ~hostMask(common, i)
    const order = ((a.bytes[i] as number) & mask) - ((b.bytes[i] as number) & mask)
    if (order !== 0) return order
  }
  return a.bits - b.bits || Buffer.compare(a.bytes, b.bytes)
}

export const inetBehaviour: Behaviour<string> = networkBehaviour(false)
export const cidrBehaviour: Behaviour<string> = networkBehaviour(true)

const MAC_FORMS = [
  /^([0-9a-f]{1,2}):([0-9a-f]{1,2}):([0-9a-f]{1,2}):([0-9a-f]{1,2}):([0-9a-f]{1,2}):([0-9a-f]{1,2})$/i,
  /^([0-9a-f]{1,2})-([0-9a-f]{1,2})-([0-9a-f]{1,2})-([0-9a-f]{1,2})-([0-9a-f]{1,2})-([0-9a-f]{1,2})$/i,
  /^([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})[:-]([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i,
  /^([0-9a-f]{2})([0-9a-f]{2})[.-]([0-9a-f]{2})([0-9a-f]{2})[.-]([0-9a-f]{2})([0-9a-f]{2})$/i,
  /^([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i,
]

function parseMac(text: string): string {
  const word = trimSpace(text)
  for (const form of MAC_FORMS) {
    const match = form.exec(word)
    if (match !== null)
      return match
        .slice(1)
        .map((octet) => octet.toLowerCase().padStart(2, '0'))
        .join(':')
  }
  throw invalidSyntax('macaddr', text)
}

function parseMac8(text: string): string {
  const word = trimSpace(text)
  const digits = word.replace(/[:.-]/g, '').toLowerCase()
  const separators = new Set(word.match(/[:.-]/g))
  const isWellFormed = /^(?:[0-9a-f]{2}[:.-]?)+$/i.test(word) && !/[:.-]$/.test(word) && separators.size <= 1
  if (!isWellFormed || (digits.length !== 12 && digits.length !== 16)) throw invalidSyntax('macaddr8', text)
  const full = digits.length === 16 ? digits : `${digits.slice(0, 6)}fffe${digits.slice(6)}`
  return (full.match(/../g) ?? []).join(':')
}

function macBehaviour(parseText: (text: string) => string, size: number): Behaviour<string> {
  const write = (value: string, writer: ByteWriter): void => {
    for (const octet of value.split(':')) writer.uint8(Number.parseInt(octet, 16))
  }
  const read = (bytes: Buffer, start: number): string =>
    Array.from(bytes.subarray(start, start + size), (byte) => byte.toString(16).padStart(2, '0')).join(':')
  return {
    input: parseText,
    output: (value) => value,
    receive(bytes, start, end) {
      expectBytes(start, end, size)
      return read(bytes, start)
    },
    send: write,
    compare: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
    hashKey: (value) => value,
    encodeKey: write,
    encodeStored: write,
    decodeStored: read,
  }
}

export const macaddrBehaviour: Behaviour<string> = macBehaviour(parseMac, 6)
export const macaddr8Behaviour: Behaviour<string> = macBehaviour(parseMac8, 8)
