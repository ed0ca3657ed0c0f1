// Functions of inet and cidr (documentation, section 9.12). Values are canonical texts; they are taken apart here.

import type { Definitions } from './definition.ts'
import { type IpAddress, formatIp, hostMask, parseIpAddress } from '../types/ip-address.ts'
import { SqlError } from '../types/sql-error.ts'
import { must } from '../../storage/base/assert.ts'

/** A cidr's text may be short ('10/8' is not: canonical text is whole), so both parse as inet does. */
const parse = (text: string): IpAddress => must(parseIpAddress(text, false), 'canonical text of an address')

const isWhole = ({ bytes, bits }: IpAddress): boolean => bits === bytes.length * 8

/** inet's canonical text: a prefix is shown only when it is no single host. */
function inetText(address: IpAddress): string {
  const host = formatIp(address.bytes)
  return isWhole(address) ? host : `${host}/${address.bits}`
}

const fullText = ({ bytes, bits }: IpAddress): string => `${formatIp(bytes)}/${bits}`

/** Each byte changed by what lies right of the prefix. */
function masked({ bytes, bits }: IpAddress, change: (byte: number, mask: number) => number): Uint8Array {
  return bytes.map((byte, i) => change(byte, hostMask(bits, i)) & 0xff)
}

const network = (address: IpAddress): IpAddress => ({
  bytes: masked(address, (byte, mask) => byte & ~mask),
  bits: address.bits,
})

function withMaskLength(text: string, bits: number): IpAddress {
  const { bytes } = parse(text)
  const length = bits === -1 ? bytes.length * 8 : bits
  if (length < 0 || length > bytes.length * 8) throw new SqlError('22023', `invalid mask length: ${bits}`)
  return { bytes, bits: length }
}

/** Whether b lies inside of a, or is it when `orEqual`. */
function contains(a: string, b: string, orEqual: boolean): boolean {
  const [x, y] = [parse(a), parse(b)]
  if (x.bytes.length !== y.bytes.length || (orEqual ? x.bits > y.bits : x.bits >= y.bits)) return false
  return x.bytes.every((byte, i) => ((byte ^ (y.bytes[i] ?? 0)) & ~hostMask(x.bits, i)) === 0)
}

export const networkFunctions: Definitions = {
  'text(inet)': { call: (a: string) => fullText(parse(a)) },
  'host(inet)': { call: (a: string) => formatIp(parse(a).bytes) },
  'abbrev(inet)': { call: (a: string) => inetText(parse(a)) },
  'family(inet)': { call: (a: string) => (parse(a).bytes.length === 4 ? 4 : 6) },
  'masklen(inet)': { call: (a: string) => parse(a).bits },
  'set_masklen(inet,int4)': { call: (a: string, bits: number) => inetText(withMaskLength(a, bits)) },
  'set_masklen(cidr,int4)': { call: (a: string, bits: number) => fullText(network(withMaskLength(a, bits))) },
  'network(inet)': { call: (a: string) => fullText(network(parse(a))) },
  'cidr(inet)': { call: (a: string) => fullText(network(parse(a))) },
  'broadcast(inet)': {
    call: (a: string) => {
      const address = parse(a)
      return inetText({ bytes: masked(address, (byte, mask) => byte | mask), bits: address.bits })
    },
  },
  'netmask(inet)': { call: (a: string) => formatIp(masked(parse(a), (_byte, mask) => ~mask)) },
  'hostmask(inet)': { call: (a: string) => formatIp(masked(parse(a), (_byte, mask) => mask)) },
  'inet_same_family(inet,inet)': {
    call: (a: string, b: string) => parse(a).bytes.length === parse(b).bytes.length,
  },
  'network_sup(inet,inet)': { call: (a: string, b: string) => contains(a, b, false) },
  'network_supeq(inet,inet)': { call: (a: string, b: string) => contains(a, b, true) },
  'network_sub(inet,inet)': { call: (a: string, b: string) => contains(b, a, false) },
  'network_subeq(inet,inet)': { call: (a: string, b: string) => contains(b, a, true) },
  'network_overlap(inet,inet)': {
    call: (a: string, b: string) => contains(a, b, true) || contains(b, a, true),
  },
}
