import { BackendError } from '../../backend.js'

/** An image's name in its parts: `registry.example:5000/team/app:1.2@sha256:…`. */
export interface ImageReference {
  /** Everything before the tag and the digest. */
  readonly repository: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

/** What the names of copies of machines' disks begin with: of whom they are, the control plane knows and the engine does not. */
export const snapshotImages = 'millrace-snapshot/'

const maxLength = 1024
const maxRepositoryLength = 255

/**
 * Reads a reference that somebody asks for, part by part and without backtracking. Throws a BackendError that says
 * what is wrong with it. An engine would also take a snapshot's name, and the beginning of an image's id, and so give
 * a copy of anybody's disk: neither is the name of an image here.
 */
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
  if (digestAlgorithms.has(repository)) throw wrong('an image is known by its name, not by its id')
  const reference = { repository, tag, digest }
  if (familiarName(reference).startsWith(snapshotImages))
    throw wrong('it is of a snapshot; spec.restoreFrom of a Vps names its VpsSnapshot')
  return reference
}

const digestAlgorithms = new Set(['sha256', 'sha384', 'sha512'])
const defaultRegistry = /^(index\.)?docker\.io\//i

/** The repository as an engine lists it: without the registry and the folder that it takes for granted. */
function familiarName({ repository }: Pick<ImageReference, 'repository'>): string {
  return repository.replace(defaultRegistry, '').replace(/^library\/(?=[^/]+$)/, '')
}

/** Whether an image that an engine has found is called what was asked for: it also finds images by the beginning of their id. Pure. */
export function isNamed(
  { RepoTags, RepoDigests }: { readonly RepoTags?: readonly string[] | null; readonly RepoDigests?: readonly string[] | null },
  reference: ImageReference,
): boolean {
  const wanted = pullReference({ ...reference, repository: familiarName(reference) })
  return [...(RepoTags ?? []), ...(RepoDigests ?? [])].includes(wanted)
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
