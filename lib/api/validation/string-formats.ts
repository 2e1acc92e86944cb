import { isIP, isIPv4, isIPv6 } from 'node:net'
import { isDnsSubdomain } from '../names.js'
import { isBase64, isDateTime } from './formats.js'

/** Longer texts have none of these formats; all patterns below are linear besides. */
const maxLength = 2_048

const hex = (digits: number) => `[0-9a-fA-F]{${digits}}`
const uuid = (version: string, variant: string) =>
  matching(new RegExp(`^${hex(8)}-?${hex(4)}-?${version}${hex(3)}-?${variant}${hex(3)}-?${hex(12)}$`))

/** Formats of text that a user's schema may name. Any other says nothing, as in Kubernetes. */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': isDateTime,
  datetime: isDateTime,
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && isDateTime(`${text}T00:00:00Z`),
  duration: matching(
    /^-?((\d+(\.\d+)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w))+$|^\d+ (nano|micro|milli)?seconds?$|^\d+ (minute|hour|day|week)s?$|^0$/,
  ),
  byte: isBase64,
  uri: isUri,
  email: matching(/^[^\s@<>"]+@[^\s@.<>"]+(\.[^\s@.<>"]+)*$/),
  hostname: (text) => isDnsSubdomain(text.toLowerCase().replace(/\.$/, '')),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: matching(/^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$/),
  uuid: uuid('[0-9a-fA-F]', '[0-9a-fA-F]'),
  uuid3: uuid('3', '[0-9a-fA-F]'),
  uuid4: uuid('4', '[89abAB]'),
  uuid5: uuid('5', '[89abAB]'),
  bsonobjectid: matching(new RegExp(`^${hex(24)}$`)),
  hexcolor: matching(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: matching(/^rgb\((\s*\d{1,3}\s*,){2}\s*\d{1,3}\s*\)$/),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: (text) => /^[\d -]{13,25}$/.test(text) && isLuhn(text.replace(/\D/g, '')),
  ssn: matching(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
}

/** Whether the text has the format. */
export function hasStringFormat(format: string, text: string): boolean {
  const test = Object.hasOwn(formats, format) ? formats[format] : undefined
  if (!test) return true
  return (format === 'byte' || text.length <= maxLength) && test(text)
}

function matching(pattern: RegExp): (text: string) => boolean {
  return (text) => pattern.test(text)
}

function isUri(text: string): boolean {
  return text.startsWith('/') ? !/\s/.test(text) : URL.canParse(text)
}

/** An address with the length of its prefix: 10.0.0.0/8, 2001:db8::/32. */
export function isCidr(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/')
  const version = isIP(address)
  return rest.length === 0 && version !== 0 && /^(0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[- ]/g, '')
  if (!/^\d{9}[\dX]$/.test(digits)) return false
  return [...digits].reduce((sum, digit, index) => sum + (10 - index) * (digit === 'X' ? 10 : Number(digit)), 0) % 11 === 0
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[- ]/g, '')
  return /^\d{13}$/.test(digits) && [...digits].reduce((sum, digit, index) => sum + Number(digit) * (index % 2 === 0 ? 1 : 3), 0) % 10 === 0
}

function isLuhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return sum % 10 === 0
}
