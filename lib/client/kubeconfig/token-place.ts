import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { readTokenClaims } from '../token/token-claims.js'
import { KubeconfigError } from './kubeconfig.js'
import { readKubeconfigFile } from './load-kubeconfig.js'
import { isLocked, replaceFile, withLock } from './write-kubeconfig.js'

/** The entry of a kubeconfig that a token was read from. */
export interface TokenPlace {
  readonly file: string
  /** The name in `users`. */
  readonly user: string
}

/** Undefined when there is none any more. */
export async function readTokenAt({ file, user }: TokenPlace): Promise<string | undefined> {
  const kubeconfig = await readKubeconfigFile(file)
  return kubeconfig?.users?.find(({ name }) => name === user)?.user.token
}

const lockTries = 50

/**
 * Puts a token in the place of an older one of the same ServiceAccount, and leaves everything else in the file as it is, comments included.
 * Where somebody else has put another credential, or a newer token, that stays.
 */
export async function writeTokenAt(place: TokenPlace, token: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await withLock(place.file, () => replaceToken(place, token))
    } catch (error) {
      if (!isLocked(error) || tries >= lockTries) throw described(error, place.file)
      await delay(100)
    }
  }
}

async function replaceToken({ file, user }: TokenPlace, token: string): Promise<void> {
  const { isScalar, isSeq, isMap, parseDocument } = await import('yaml')
  const document = parseDocument(await readFile(file, 'utf8'), { logLevel: 'error' })
  const users = document.get('users')
  const entry = isSeq(users) ? users.items.find((item) => isMap(item) && item.get('name') === user) : undefined
  const scalar = isMap(entry) ? entry.getIn(['user', 'token'], true) : undefined
  if (document.errors.length > 0 || !isScalar(scalar) || !isForerunner(String(scalar.value), token)) return
  scalar.value = token
  replaceFile(file, document.toString({ lineWidth: 0, flowCollectionPadding: false }))
}

/** Of the same account, and good no longer. */
function isForerunner(before: string, token: string): boolean {
  const [old, next] = [readTokenClaims(before), readTokenClaims(token)]
  return old?.namespace === next?.namespace && old?.name === next?.name && (old?.expiresAtMs ?? 0) <= (next?.expiresAtMs ?? 0)
}

/** Without what the file holds: a parser's error would quote it. */
function described(error: unknown, file: string): Error {
  if (error instanceof KubeconfigError) return error
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown failure'
  const why = code === 'EACCES' || code === 'EPERM' ? 'permission denied' : code === 'EROFS' ? 'its file system is read-only' : code
  return new KubeconfigError(`the kubeconfig ${file} cannot be written: ${why}`, { cause: error })
}
