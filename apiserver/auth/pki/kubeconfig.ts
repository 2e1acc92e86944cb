import { createPublicKey } from 'node:crypto'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { type Clock, systemClock } from '../../../lib/base/clock.js'
import { mastersGroup } from '../user.js'
import { clockSkewMs, isDueForRenewal, isIssuedBy, ownsKey, parseCertificate } from './certificate-facts.js'
import { readCredentialFile, writeCredentialFile } from './credential-file.js'
import { certificateLifeMs, type Pki } from './ensure-pki.js'
import { generateKeyPem } from './generate-key-pem.js'

/** Who gets a kubeconfig in the data directory. The controllers have no groups: their rights come with their names (rbac/). */
const kubeconfigUsers = [
  { file: 'admin.kubeconfig', user: 'admin', groups: [mastersGroup] },
  { file: 'scheduler.kubeconfig', user: 'system:scheduler', groups: [] },
  { file: 'controller-manager.kubeconfig', user: 'system:controller-manager', groups: [] },
  { file: 'gateway.kubeconfig', user: 'system:gateway', groups: [] },
] as const satisfies readonly KubeconfigUser[]

interface KubeconfigUser {
  readonly file: string
  readonly user: string
  readonly groups: readonly string[]
}

interface ClientCredential {
  readonly certificate: string
  readonly key: string
}

/**
 * Writes the kubeconfigs of the cluster's own users into the data directory (0600), each with its key, certificate and the CA embedded. A
 * file that leads to this server with a good certificate stays untouched, with whatever contexts its owner has added.
 *
 * @returns the files that were written.
 */
export async function writeKubeconfigs(
  dataDirectory: string,
  server: string,
  pki: Pki,
  clock: Clock = systemClock,
): Promise<readonly string[]> {
  const written: string[] = []
  for (const who of kubeconfigUsers) {
    const path = join(dataDirectory, who.file)
    const text = await readCredentialFile(path)
    const present = text === undefined ? undefined : readKubeconfig(text, who.user)
    const usable = present !== undefined && isUsable(present, who, pki, clock.now())
    if (usable && present.server === server && present.certificateAuthority === pki.authority.certificate) continue
    const credential = usable ? present : await issueClientCredential(who, pki, clock)
    const { certificate, key } = credential
    await writeCredentialFile(
      path,
      printKubeconfig({ server, user: who.user, certificateAuthority: pki.authority.certificate, certificate, key }),
    )
    written.push(path)
  }
  return written
}

/** A kubeconfig with one cluster, one user and one context. */
function printKubeconfig(of: { server: string; user: string; certificateAuthority: string; certificate: string; key: string }): string {
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'millrace', cluster: { server: of.server, 'certificate-authority-data': toBase64(of.certificateAuthority) } }],
      users: [{ name: of.user, user: { 'client-certificate-data': toBase64(of.certificate), 'client-key-data': toBase64(of.key) } }],
      contexts: [{ name: 'millrace', context: { cluster: 'millrace', user: of.user } }],
      'current-context': 'millrace',
    },
    { lineWidth: 0 },
  )
}

function isUsable(found: ClientCredential, who: KubeconfigUser, pki: Pki, nowMs: number): boolean {
  const certificate = parseCertificate(found.certificate)
  const issuer = parseCertificate(pki.authority.certificate)
  if (!certificate || !issuer) return false
  const subject = [...who.groups.map((group) => `O=${group}`), `CN=${who.user}`].join('\n')
  return (
    certificate.subject === subject &&
    ownsKey(certificate, found.key) &&
    isIssuedBy(certificate, issuer) &&
    !isDueForRenewal(certificate, nowMs)
  )
}

/** What a kubeconfig says of our cluster and one user, whatever else people have put into it; undefined when it does not say all of it. */
function readKubeconfig(text: string, user: string): (ClientCredential & { server: string; certificateAuthority: string }) | undefined {
  try {
    const config = parse(text)
    const cluster = config.clusters.find((entry: { name: string }) => entry.name === 'millrace').cluster
    const credential = config.users.find((entry: { name: string }) => entry.name === user).user
    return {
      server: cluster.server,
      certificateAuthority: fromBase64(cluster['certificate-authority-data']),
      certificate: fromBase64(credential['client-certificate-data']),
      key: fromBase64(credential['client-key-data']),
    }
  } catch {
    return undefined
  }
}

async function issueClientCredential(who: KubeconfigUser, pki: Pki, clock: Clock): Promise<ClientCredential> {
  const key = generateKeyPem()
  const certificate = await pki.authority.issue({
    publicKey: createPublicKey(key),
    commonName: who.user,
    organizations: who.groups,
    usage: 'client',
    notBefore: new Date(clock.now() - clockSkewMs),
    notAfter: new Date(clock.now() + certificateLifeMs),
  })
  return { certificate, key }
}

const toBase64 = (text: string) => Buffer.from(text).toString('base64')
const fromBase64 = (text: string) => Buffer.from(text, 'base64').toString()
