/** The rules for names, as Kubernetes has them. All patterns are linear and their input is bounded first. */

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const labelText = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/

/** DNS-1123 label: lower-case letters, digits and `-`, at most 63. */
export function isDnsLabel(name: string): boolean {
  return name.length <= 63 && label.test(name)
}

/** DNS-1123 subdomain: labels joined by dots, at most 253 characters. */
export function isDnsSubdomain(name: string): boolean {
  return name.length <= 253 && name.split('.').every((part) => label.test(part))
}

/** One segment of a path: not `.`, `..`, and without `/` and `%`. */
export function isPathSegment(name: string): boolean {
  return name.length > 0 && name.length <= 253 && name !== '.' && name !== '..' && !/[/%\0]/.test(name)
}

/** A label key, finalizer or annotation key: `[prefix/]name`. */
export function isQualifiedName(key: string): boolean {
  const parts = key.split('/')
  const name = parts.at(-1) ?? ''
  if (parts.length > 2 || name.length > 63 || !labelText.test(name)) return false
  return parts.length === 1 || isDnsSubdomain(parts[0] ?? '')
}

/** The value of a label: empty, or up to 63 letters, digits, `-`, `_`, `.`. */
export function isLabelValue(value: string): boolean {
  return value === '' || (value.length <= 63 && labelText.test(value))
}

/** Letters and digits that make no words. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'
const maxBaseLength = 58

/** `base`, cut to 58 characters, with five random ones behind. `random` gives numbers in [0, 1). */
export function generateName(base: string, random: () => number = Math.random): string {
  let suffix = ''
  for (let index = 0; index < 5; index++) suffix += alphabet[Math.floor(random() * alphabet.length)]
  return base.slice(0, maxBaseLength) + suffix
}
