/**
 * The cluster's certificate authority. Its private key lives in the closure made here and in ca.key, and nowhere else: callers hand over a
 * public key and get a certificate.
 *
 *     const authority = await openAuthority(caCertificatePem, caKeyPem)
 *     const certificate = await authority.issue({ publicKey, commonName: 'admin', organizations: ['system:masters'], usage: 'client', … })
 */
import 'reflect-metadata'
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

/** What a certificate shall say. */
export interface CertificateOrder {
  readonly publicKey: KeyObject
  /** CN: the user name of a client, the name of a server. */
  readonly commonName: string
  /** O, one each: the groups of a client. */
  readonly organizations: readonly string[]
  readonly usage: 'server' | 'client'
  /** Subject alternative names: DNS names and addresses. */
  readonly names?: readonly string[]
  readonly notBefore: Date
  /** Cut to the authority's own end. */
  readonly notAfter: Date
}

/** Signs certificates; never shows its key. */
export interface Authority {
  /** Its own certificate, PEM. */
  readonly certificate: string
  /** The certificate that was ordered, PEM. */
  issue(order: CertificateOrder): Promise<string>
}

const signatureAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** The authority's own certificate, PEM. The same key always gets the same name, so certificates that it signed before stay valid. */
export async function issueAuthorityCertificate(keyPem: string, validity: { notBefore: Date; notAfter: Date }): Promise<string> {
  const keys = { privateKey: await importSigningKey(keyPem), publicKey: await importVerifyingKey(createPublicKey(keyPem)) }
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: [{ CN: ['millrace-ca'] }],
    ...validity,
    signingAlgorithm: signatureAlgorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return `${certificate.toString('pem')}\n`
}

export async function openAuthority(certificatePem: string, keyPem: string): Promise<Authority> {
  const own = new x509.X509Certificate(certificatePem)
  const signingKey = await importSigningKey(keyPem)
  return {
    certificate: certificatePem,
    async issue(order) {
      const publicKey = new x509.PublicKey(toArrayBuffer(order.publicKey.export({ type: 'spki', format: 'der' })))
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: randomSerial(),
        issuer: own.subjectName,
        subject: [...order.organizations.map((organization) => ({ O: [organization] })), { CN: [order.commonName] }],
        notBefore: order.notBefore,
        notAfter: new Date(Math.min(order.notAfter.getTime(), own.notAfter.getTime())),
        signingAlgorithm: signatureAlgorithm,
        publicKey,
        signingKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([
            order.usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
          ]),
          await x509.AuthorityKeyIdentifierExtension.create(own.publicKey),
          await x509.SubjectKeyIdentifierExtension.create(publicKey),
          ...(order.names?.length ? [new x509.SubjectAlternativeNameExtension(order.names.map(alternativeName))] : []),
        ],
      })
      return `${certificate.toString('pem')}\n`
    },
  }
}

function alternativeName(name: string): x509.JsonGeneralName {
  return isIP(name) ? { type: 'ip', value: name } : { type: 'dns', value: name }
}

/** 127 random bits: positive, and never starting with a zero byte. */
function randomSerial(): string {
  const bytes = randomBytes(16)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0)
  return bytes.toString('hex')
}

function importSigningKey(keyPem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' })
  return webcrypto.subtle.importKey('pkcs8', der, signatureAlgorithm, false, ['sign'])
}

function importVerifyingKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('spki', key.export({ type: 'spki', format: 'der' }), signatureAlgorithm, true, ['verify'])
}

function toArrayBuffer(buffer: Buffer): ArrayBuffer {
  return new Uint8Array(buffer).buffer
}
