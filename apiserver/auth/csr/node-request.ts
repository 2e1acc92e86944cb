import 'reflect-metadata'
import { createPublicKey, type KeyObject } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { invalidValue, notSupported, requiredValue, type StatusCause } from '../../../lib/api/api-error.js'
import { type CertificateSigningRequest, nodeClientSigner } from '../../../lib/api/kinds/certificate-signing-request.js'
import { isDnsSubdomain } from '../../../lib/api/names.js'
import { nodesGroup } from '../user.js'

/** A request for a node's client certificate that asks for nothing else. */
export interface NodeRequest {
  readonly nodeName: string
  readonly publicKey: KeyObject
  readonly lifeMs: number
}

const defaultLifeSeconds = 90 * 24 * 3600
const maxLifeSeconds = 365 * 24 * 3600
const minLifeSeconds = 600
/** A request with an RSA key of 8,192 bits takes 3 KiB. */
const maxRequestBytes = 16 * 1024
const pemBlock = /^\s*-----BEGIN CERTIFICATE REQUEST-----\s+([A-Za-z0-9+/=\s]+)-----END CERTIFICATE REQUEST-----\s*$/
const allowedUsages: ReadonlySet<string> = new Set(['digital signature', 'key encipherment', 'client auth'])
/** keyUsage and extendedKeyUsage; spec.usages decides, so they only may not contradict it. */
const tolerated = { keyUsage: '2.5.29.15', extendedKeyUsage: '2.5.29.37' }
const extensionRequest = '1.2.840.113549.1.9.14'

/** Reads a CertificateSigningRequest's spec; what is wrong with it comes back as causes. */
export async function readNodeRequest(
  spec: CertificateSigningRequest['spec'],
): Promise<NodeRequest | { readonly causes: readonly StatusCause[] }> {
  const causes = [...signerCauses(spec.signerName), ...usageCauses(spec.usages), ...lifeCauses(spec.expirationSeconds)]
  const request = parseRequest(spec.request)
  if (request === undefined) return { causes: [...causes, wrongRequest('must be one PEM certificate request (PKCS#10), base64')] }
  causes.push(...subjectCauses(request), ...extensionCauses(request))
  const publicKey = readPublicKey(request)
  if (publicKey === undefined) causes.push(wrongRequest('the key must be P-256, or RSA with 2048 to 8192 bits'))
  else if (!(await isSignedByItsKey(request))) causes.push(wrongRequest('the signature is not that of the key'))
  if (publicKey === undefined || causes.length > 0) return { causes }
  return { nodeName: nodeNameIn(request), publicKey, lifeMs: (spec.expirationSeconds ?? defaultLifeSeconds) * 1000 }
}

const wrongRequest = (why: string): StatusCause => ({
  reason: 'FieldValueInvalid',
  field: 'spec.request',
  message: `Invalid value: ${why}`,
})

function signerCauses(signerName: string): StatusCause[] {
  return signerName === nodeClientSigner ? [] : [notSupported('spec.signerName', signerName, `supported values: "${nodeClientSigner}"`)]
}

function usageCauses(usages: readonly string[] | undefined): StatusCause[] {
  if (!usages?.includes('client auth')) return [requiredValue('spec.usages', 'must hold "client auth"')]
  return usages
    .filter((usage) => !allowedUsages.has(usage))
    .map((usage) => notSupported('spec.usages', usage, 'supported values: "digital signature", "key encipherment", "client auth"'))
}

function lifeCauses(seconds: number | undefined): StatusCause[] {
  if (seconds === undefined || (seconds >= minLifeSeconds && seconds <= maxLifeSeconds)) return []
  return [invalidValue('spec.expirationSeconds', seconds, `must be between ${minLifeSeconds} and ${maxLifeSeconds}`)]
}

function parseRequest(base64: string): x509.Pkcs10CertificateRequest | undefined {
  const text = Buffer.from(base64, 'base64').toString('latin1')
  const body = text.length <= maxRequestBytes ? pemBlock.exec(text)?.[1] : undefined
  if (body === undefined) return undefined
  try {
    const request = new x509.Pkcs10CertificateRequest(new Uint8Array(Buffer.from(body, 'base64')))
    // What is parsed on demand fails here, or not at all.
    void request.subjectName.toJSON()
    void request.extensions.length
    return request
  } catch {
    return undefined
  }
}

/** The subject is one O and one CN, and says nothing else. */
function subjectCauses(request: x509.Pkcs10CertificateRequest): StatusCause[] {
  const parts = request.subjectName
    .toJSON()
    .flatMap((set) => Object.entries(set).flatMap(([type, values]) => values.map((value) => ({ type, value }))))
  const organizations = parts.filter(({ type }) => type === 'O')
  const names = parts.filter(({ type }) => type === 'CN')
  const causes: StatusCause[] = []
  if (organizations.length !== 1 || organizations[0]?.value !== nodesGroup)
    causes.push(wrongRequest(`the subject must have O=${nodesGroup}, and no other O`))
  if (names.length !== 1 || !isDnsSubdomain(nodeNameIn(request)))
    causes.push(wrongRequest('the subject must have one CN, system:node:NAME'))
  if (parts.length > organizations.length + names.length) causes.push(wrongRequest('the subject must have nothing but O and CN'))
  return causes
}

function nodeNameIn(request: x509.Pkcs10CertificateRequest): string {
  const [name = ''] = request.subjectName.getField('CN')
  return name.startsWith('system:node:') ? name.slice('system:node:'.length) : ''
}

function extensionCauses(request: x509.Pkcs10CertificateRequest): StatusCause[] {
  const causes: StatusCause[] = []
  for (const extension of request.extensions) {
    if (extension.type === '2.5.29.17') causes.push(wrongRequest('a client certificate has no alternative names'))
    else if (!Object.values(tolerated).includes(extension.type))
      causes.push(wrongRequest(`the extension ${extension.type} is not supported`))
    else if (
      extension instanceof x509.ExtendedKeyUsageExtension &&
      extension.usages.some((usage) => usage !== x509.ExtendedKeyUsage.clientAuth)
    )
      causes.push(wrongRequest('the extended key usage must be clientAuth alone'))
    else if (extension instanceof x509.KeyUsagesExtension && (extension.usages & signsCertificates) !== 0)
      causes.push(wrongRequest('the key must not sign certificates'))
  }
  const others = request.attributes.filter(({ type }) => type !== extensionRequest)
  return [...causes, ...others.map(({ type }) => wrongRequest(`the attribute ${type} is not supported`))]
}

const signsCertificates = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign

function readPublicKey(request: x509.Pkcs10CertificateRequest): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' })
    const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
    const isP256 = key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1'
    const isRsa = key.asymmetricKeyType === 'rsa' && modulusLength >= 2048 && modulusLength <= 8192
    return isP256 || isRsa ? key : undefined
  } catch {
    return undefined
  }
}

async function isSignedByItsKey(request: x509.Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify()
  } catch {
    return false
  }
}
