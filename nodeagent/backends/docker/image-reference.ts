import { BackendError } from '../backend.js'

/** An image's name in its parts: `registry.example:5000/team/app:1.2@sha256:…`. */
export interface ImageReference {
  /** Everything before the tag and the digest. */
  readonly repository: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

const maxLength = 1024
const maxRepositoryLength = 255

/** Reads a reference, part by part and without backtracking. Throws a BackendError that says what is wrong with it. */
export function parseImageReference(text: string): ImageReference {
  const wrong = (why: string) =>
    new BackendError('InvalidImageName', `the image name ${JSON.stringify(text.slice(0, 200))} is not valid: ${why}`, false)
  if (text === '' || text.length > maxLength) throw wrong(`it must have 1 to ${maxLength} characters`)
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  const named = at < 0 ? text : text.slice(0, at)
  // A colon behind the last slash begins the tag; one before it is a registry's port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  const tag = colon < 0 ? undefined : named.slice(colon + 1)
  const repository = colon < 0 ? named : named.slice(0, colon)
  if (digest !== undefined && !/^[a-z0-9]{1,32}:[0-9a-f]{32,128}$/.test(digest)) throw wrong('the digest must look like sha256:0123…')
  if (tag !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(tag))
    throw wrong('the tag must be letters, digits, "_", "." and "-"')
  if (repository.length > maxRepositoryLength) throw wrong(`the name may have ${maxRepositoryLength} characters`)
  const [first = '', ...rest] = repository.split('/')
  const hasRegistry = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost')
  if (hasRegistry && !isRegistry(first)) throw wrong(`"${first}" is no registry`)
  for (const part of hasRegistry ? rest : [first, ...rest])
    if (!isPathPart(part)) throw wrong(`"${part}" must be lower-case letters and digits, with single ".", "_" or "-" between them`)
  return { repository, tag, digest }
}

/** The reference as the engine wants it for a pull: with a tag or a digest, or it would pull every tag. */
export function pullReference({ repository, tag, digest }: ImageReference): string {
  return digest === undefined ? `${repository}:${tag ?? 'latest'}` : `${repository}@${digest}`
}

function isRegistry(text: string): boolean {
  const colon = text.lastIndexOf(':')
  const host = colon < 0 ? text : text.slice(0, colon)
  const port = colon < 0 ? undefined : text.slice(colon + 1)
  return (
    (port === undefined || /^\d{1,5}$/.test(port)) &&
    host.split('.').every((label) => /^[A-Za-z0-9-]{1,63}$/.test(label) && !label.startsWith('-') && !label.endsWith('-'))
  )
}

/** Words of letters and digits, joined by ".", "_", "__" or any number of "-". */
function isPathPart(text: string): boolean {
  return /^[a-z0-9]+$/.test(text) || (/^[a-z0-9][a-z0-9._-]*[a-z0-9]$/.test(text) && !/[._]\.|\.[._-]|-[._]|_-|___/.test(text))
}
