/**
 * What cloud-init takes as user data. It tells by how the text begins, past white space and whatever the case of letters; what begins
 * otherwise it leaves alone at the first boot, and says so in a log of the guest that few read.
 */
export type UserDataFormat =
  | 'cloud-config'
  | 'cloud-config-archive'
  | 'cloud-config-jsonp'
  | 'script'
  | 'include'
  | 'boothook'
  | 'part-handler'
  | 'template'
  | 'multipart'

/** A longer beginning stands before one that it begins with. */
const beginnings: readonly (readonly [beginning: string, format: UserDataFormat])[] = [
  ['#cloud-config-archive', 'cloud-config-archive'],
  ['#cloud-config-jsonp', 'cloud-config-jsonp'],
  ['#cloud-config', 'cloud-config'],
  ['#cloud-boothook', 'boothook'],
  ['#part-handler', 'part-handler'],
  ['#include', 'include'],
  ['## template: jinja', 'template'],
  ['#!', 'script'],
]

/** For a message: how user data may begin. */
export const userDataBeginnings = `${beginnings.map(([beginning]) => beginning).join(', ')}, or the headers of a MIME multipart message`

/** What the text is; undefined when cloud-init could not tell. */
export function userDataFormat(text: string): UserDataFormat | undefined {
  const start = text.slice(0, longestHead).trimStart().toLowerCase()
  return beginnings.find(([beginning]) => start.startsWith(beginning))?.[1] ?? (isMultipart(text) ? 'multipart' : undefined)
}

/** Where cloud-init looks for the headers of a message. */
const longestHead = 4096

/** Whether the text begins with the headers of a multipart message whose parts follow. */
function isMultipart(text: string): boolean {
  const end = /\r?\n\r?\n/.exec(text.slice(0, longestHead))?.index
  if (end === undefined) return false
  const headers = text
    .slice(0, end)
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
  if (!headers.every((line) => /^[!-9;-~]+:/.test(line))) return false
  const [type = ''] = headers.filter((line) => /^content-type:\s*multipart\//i.test(line))
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(type) ?? []
  const boundary = quoted ?? plain
  return boundary !== undefined && text.includes(`\n--${boundary}`, end)
}
