/**
 * The agent's own certificate: got once with a join token, kept with its key in one file (0600) that is replaced as a
 * whole, and renewed with itself when two thirds of its life are over. The key never leaves the node, and is on the disk
 * before it is first used, so that a join that was cut off goes on.
 */
import { generateKeyPairSync, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isForbidden, isUnauthorized } from '../../lib/api/api-error.js'
import { CertificateSigningRequest, nodeClientSigner } from '../../lib/api/kinds/certificate-signing-request.js'
import { backoffDelayMs } from '../../lib/base/backoff.js'
import { type Clock, sleep, systemClock } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'
import type { ClientConfig } from '../../lib/client/client-config.js'
import { createClient } from '../../lib/client/create-client.js'
import { writeKubeconfig } from '../../lib/client/kubeconfig/write-kubeconfig.js'
import { makeFolder } from '../files/make-folder.js'

export interface JoinOptions {
  /** The agent's data directory. */
  readonly directory: string
  readonly nodeName: string
  readonly server: string
  /** PEM; undefined: the machine's own authorities. */
  readonly ca: string | undefined
  readonly tokenFile: string
  readonly log: Logger
}

/** Why a machine cannot join, in a sentence. */
export class JoinError extends Error {
  override readonly name = 'JoinError'
}

const kubeconfigOf = (directory: string) => path.join(directory, 'kubeconfig')
const certificateOf = (directory: string) => path.join(directory, 'pki', 'client.pem')
const newKeyOf = (directory: string) => path.join(directory, 'pki', 'new.key')
const renewalShare = 2 / 3
const renewalRetry = { initialMs: 60_000, maxMs: 3_600_000 }
const longestSleepMs = 3_600_000

export const hasJoined = (directory: string) => existsSync(kubeconfigOf(directory))
export const agentKubeconfig = kubeconfigOf

/** As which node a machine has joined. */
export async function joinedName(directory: string): Promise<string> {
  const { subject } = new X509Certificate(await readFile(certificateOf(directory), 'utf8'))
  const [, name] = /^CN=system:node:(.+)$/m.exec(subject) ?? []
  if (name === undefined) throw new JoinError(`${certificateOf(directory)} is no certificate of a node`)
  return name
}

/** Gets the first certificate and writes the agent's kubeconfig. Tries until it gets an answer; a refusal is a JoinError. */
export async function joinCluster(options: JoinOptions, signal: AbortSignal): Promise<void> {
  const { directory, nodeName, server, ca, tokenFile, log } = options
  const config: ClientConfig = { server, token: await readToken(tokenFile), ...(ca === undefined ? {} : { ca: { data: ca } }) }
  const client = createClient(config, { userAgent: `millrace-nodeagent/${nodeName}` })
  try {
    for (let tries = 0; ; tries++) {
      try {
        await obtainCertificate(client, directory, nodeName, signal)
        break
      } catch (error) {
        if (isUnauthorized(error))
          throw new JoinError(
            `the join token in ${tokenFile} is not valid: it is wrong, expired or used up; make another with kubectl-lite join-token`,
            { cause: error },
          )
        if (isForbidden(error))
          throw new JoinError(`the cluster does not let this machine join as ${nodeName}: ${(error as Error).message}`, { cause: error })
        signal.throwIfAborted()
        log.warn({ err: error }, `the cluster at ${server} could not be asked for a certificate; it is tried again`)
        await sleep(systemClock, backoffDelayMs(tries, { initialMs: 800, maxMs: 30_000 }), signal)
      }
    }
  } finally {
    await client.close()
  }
  const user = `system:node:${nodeName}`
  const certificate = path.relative(directory, certificateOf(directory))
  await writeKubeconfig(kubeconfigOf(directory), {
    clusters: [
      {
        name: 'millrace',
        cluster: { server, ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }) },
      },
    ],
    users: [{ name: user, user: { 'client-certificate': certificate, 'client-key': certificate } }],
    contexts: [{ name: 'millrace', context: { cluster: 'millrace', user } }],
    'current-context': 'millrace',
  })
  log.info({ node: nodeName }, 'joined the cluster')
}

/** Renews the certificate in time, until the signal aborts. The client reads the file anew by itself. */
export async function keepCertificate(
  options: { client: Client; clock: Clock; log: Logger; directory: string; nodeName: string },
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, log, directory, nodeName } = options
  for (let failures = 0; !signal.aborted; ) {
    try {
      const leftMs = renewAtMs(await readFile(certificateOf(directory), 'utf8')) - clock.now()
      if (leftMs > 0) {
        await sleep(clock, Math.min(leftMs, longestSleepMs), signal)
        continue
      }
      await obtainCertificate(client, directory, nodeName, signal)
      failures = 0
      log.info('renewed the certificate')
    } catch (error) {
      if (signal.aborted) return
      log.warn({ err: error }, 'the certificate could not be renewed; it is tried again')
      await sleep(clock, backoffDelayMs(failures++, renewalRetry), signal).catch(() => {})
    }
  }
}

/** When two thirds of a certificate's life are over; wall clock, milliseconds. */
export function renewAtMs(pem: string): number {
  const { validFrom, validTo } = new X509Certificate(pem)
  const fromMs = Date.parse(validFrom)
  return fromMs + (Date.parse(validTo) - fromMs) * renewalShare
}

async function obtainCertificate(client: Client, directory: string, nodeName: string, signal: AbortSignal): Promise<void> {
  await makeFolder(path.dirname(newKeyOf(directory)))
  const key = await readOrMakeKey(newKeyOf(directory))
  const request = await signingRequest(key, nodeName)
  const signed = await client.of(CertificateSigningRequest).create(
    {
      metadata: { name: `node-${nodeName}-${randomBytes(5).toString('hex')}` },
      spec: {
        request: Buffer.from(request).toString('base64'),
        signerName: nodeClientSigner,
        usages: ['digital signature', 'client auth'],
      },
    },
    { signal },
  )
  const certificate = Buffer.from(signed.status?.certificate ?? '', 'base64').toString()
  if (!certificate.includes('BEGIN CERTIFICATE')) throw new Error('the cluster answered without a certificate')
  await replaceFile(certificateOf(directory), `${certificate.trim()}\n${key.trim()}\n`)
  await rm(newKeyOf(directory), { force: true })
}

async function readOrMakeKey(file: string): Promise<string> {
  if (existsSync(file)) return readFile(file, 'utf8')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  await replaceFile(file, pem)
  return pem
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

async function signingRequest(keyPem: string, nodeName: string): Promise<string> {
  const der = Buffer.from(keyPem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  const privateKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign'])
  const { d: _d, key_ops: _ops, ...jwk } = await webcrypto.subtle.exportKey('jwk', privateKey)
  const publicKey = await webcrypto.subtle.importKey('jwk', jwk, algorithm, true, ['verify'])
  // Needed a few times in the agent's life: loaded then.
  await import('reflect-metadata')
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509')
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ['system:nodes'] }, { CN: [`system:node:${nodeName}`] }],
    keys: { privateKey, publicKey },
    signingAlgorithm: algorithm,
  })
  return request.toString('pem')
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw new JoinError(`the join token file ${file} cannot be read; make one with kubectl-lite join-token --to-file FILE`, { cause })
  }
}

/** On the disk and whole, or not there. */
async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.tmp`, text, { mode: 0o600 })
  const handle = await open(`${file}.tmp`, 'r')
  await handle.sync()
  await handle.close()
  await rename(`${file}.tmp`, file)
}
