/**
 * The cluster's keys and certificates on disk. The one rule: a key is written before its certificate, each whole or not at all, so whatever
 * a crash leaves behind is either complete or repaired here without making anybody's certificate worthless.
 *
 *     const pki = await ensurePki({ directory: join(dataDirectory, 'apiserver/pki'), names: ['millrace.example'] })
 *     https.createServer(servingOptions(pki), handler)
 */
import { createPublicKey } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../../lib/base/clock.js'
import { type Authority, issueAuthorityCertificate, openAuthority } from './authority.js'
import { clockSkewMs, isDueForRenewal, isIssuedBy, ownsKey, parseCertificate, validityOf } from './certificate-facts.js'
import { ensurePrivateFolder, readCredentialFile, writeCredentialFile } from './credential-file.js'
import { generateKeyPem } from './generate-key-pem.js'

const dayMs = 24 * 60 * 60_000
const authorityLifeMs = 3650 * dayMs
/** Of serving certificates and of the clients' in kubeconfigs. */
export const certificateLifeMs = 365 * dayMs

export interface PkiOptions {
  /** The folder of ca.crt, ca.key, serving.crt and serving.key: DIR/apiserver/pki. Made when absent. */
  readonly directory: string
  /** Further names and addresses that clients use for the server, beside localhost, 127.0.0.1, ::1 and the host's name. */
  readonly names?: readonly string[]
  /** Certificates are judged by the machine's clock during a TLS handshake, so this is another clock in tests of renewal alone. */
  readonly clock?: Clock
}

export interface Pki {
  readonly authority: Authority
  readonly serving: { readonly certificate: string; readonly key: string }
}

/** What is on disk cannot be used, and repairing it by ourselves would lock people out. The message says what to do. */
export class PkiError extends Error {
  override readonly name = 'PkiError'
}

/** Opens the cluster's keys and certificates; makes what is absent, and renews the serving certificate past two thirds of its life. */
export async function ensurePki(options: PkiOptions): Promise<Pki> {
  const { directory, clock = systemClock } = options
  try {
    await ensurePrivateFolder(directory)
    const authority = await ensureAuthority(directory, clock)
    return { authority, serving: await ensureServing(directory, authority, servingNames(options.names ?? []), clock) }
  } catch (error) {
    throw explainFileError(error, directory)
  }
}

/** TLS options of a server: everybody may connect, and authenticate.ts decides who that is. */
export function servingOptions(pki: Pki) {
  return {
    cert: pki.serving.certificate,
    key: pki.serving.key,
    ca: pki.authority.certificate,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
  } as const
}

async function ensureAuthority(directory: string, clock: Clock): Promise<Authority> {
  const keyPath = join(directory, 'ca.key')
  const certificatePath = join(directory, 'ca.crt')
  let key = await readCredentialFile(keyPath)
  let certificate = await readCredentialFile(certificatePath)
  if (key === undefined) {
    if (certificate !== undefined)
      throw new PkiError(
        `${keyPath} is missing, but ${certificatePath} is there. Put the key back from a backup; or remove the folder ${directory} to start with new keys, which makes every kubeconfig and node certificate of this cluster worthless.`,
      )
    key = generateKeyPem()
    await writeCredentialFile(keyPath, key)
  }
  if (certificate === undefined) {
    certificate = await authorityCertificateOf(key, keyPath, clock)
    await writeCredentialFile(certificatePath, certificate)
  }
  const parsed = parseCertificate(certificate)
  if (!parsed || !ownsKey(parsed, key))
    throw new PkiError(
      `${certificatePath} is not the certificate of ${keyPath}. Put both back from one backup; or, when the key is the right one, remove ${certificatePath} and start again: it is made anew.`,
    )
  if (validityOf(parsed).notAfterMs <= clock.now())
    throw new PkiError(
      `${certificatePath} has expired on ${parsed.validTo}. Remove it and start again: it is made anew from the same key, and kubeconfigs are rewritten.`,
    )
  return openAuthority(certificate, key)
}

async function authorityCertificateOf(key: string, keyPath: string, clock: Clock): Promise<string> {
  try {
    return await issueAuthorityCertificate(key, {
      notBefore: new Date(clock.now() - clockSkewMs),
      notAfter: new Date(clock.now() + authorityLifeMs),
    })
  } catch (cause) {
    throw new PkiError(`${keyPath} is not a P-256 private key in PEM. Put it back from a backup, or remove it to start with new keys.`, {
      cause,
    })
  }
}

async function ensureServing(directory: string, authority: Authority, names: readonly string[], clock: Clock): Promise<Pki['serving']> {
  const keyPath = join(directory, 'serving.key')
  const certificatePath = join(directory, 'serving.crt')
  const key = await readCredentialFile(keyPath)
  const certificate = await readCredentialFile(certificatePath)
  if (key !== undefined && certificate !== undefined && isServingUsable(certificate, key, authority, names, clock.now()))
    return { key, certificate }
  const newKey = generateKeyPem()
  const newCertificate = await authority.issue({
    publicKey: createPublicKey(newKey),
    commonName: 'millrace-apiserver',
    organizations: [],
    usage: 'server',
    names,
    notBefore: new Date(clock.now() - clockSkewMs),
    notAfter: new Date(clock.now() + certificateLifeMs),
  })
  await writeCredentialFile(keyPath, newKey)
  await writeCredentialFile(certificatePath, newCertificate)
  return { key: newKey, certificate: newCertificate }
}

function isServingUsable(certificatePem: string, key: string, authority: Authority, names: readonly string[], nowMs: number): boolean {
  const certificate = parseCertificate(certificatePem)
  const issuer = parseCertificate(authority.certificate)
  if (!certificate || !issuer || !ownsKey(certificate, key) || !isIssuedBy(certificate, issuer) || isDueForRenewal(certificate, nowMs))
    return false
  return names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined)
}

function servingNames(extra: readonly string[]): readonly string[] {
  const wrong = extra.find((name) => !isServerName(name))
  if (wrong !== undefined) throw new PkiError(`"${wrong}" is neither a DNS name nor an address, so no certificate can carry it.`)
  return [...new Set(['localhost', '127.0.0.1', '::1', ...[hostname()].filter(isServerName), ...extra])]
}

/** Names without wildcards: the check of a present certificate asks for each name as a client would. */
function isServerName(name: string): boolean {
  return isIP(name) !== 0 || (name.length <= 253 && /^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$/i.test(name))
}

function explainFileError(error: unknown, directory: string): unknown {
  const code = (error as NodeJS.ErrnoException).code
  const advice: Record<string, string> = {
    EACCES: 'permission is denied. Give this user the folder, or choose another one with --data-dir.',
    EPERM: 'the folder belongs to another user. Start as that user, or choose another folder with --data-dir.',
    EROFS: 'the file system is read-only. Choose another folder with --data-dir.',
    ENOSPC: 'the disk is full. Make room and start again: a first start that was cut short is completed.',
    ENOTDIR: 'a part of the path is a file. Choose another folder with --data-dir.',
    EEXIST: 'a part of the path is a file. Choose another folder with --data-dir.',
  }
  const why = code === undefined ? undefined : advice[code]
  return why === undefined ? error : new PkiError(`Cannot keep the cluster's keys in ${directory}: ${why}`, { cause: error })
}
