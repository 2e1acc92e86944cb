import { createPrivateKey, X509Certificate } from 'node:crypto'

/** How far a certificate's start lies in the past, so that clocks that differ by a few minutes still agree. */
export const clockSkewMs = 5 * 60_000

/** The first certificate of a PEM text; undefined when there is none. */
export function parseCertificate(pem: string | undefined): X509Certificate | undefined {
  if (pem === undefined) return undefined
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

/** Whether a PEM private key is the certificate's own. */
export function ownsKey(certificate: X509Certificate, keyPem: string | undefined): boolean {
  if (keyPem === undefined) return false
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem))
  } catch {
    return false
  }
}

/** Whether `issuer` signed the certificate. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** Milliseconds since the epoch. */
export function validityOf(certificate: X509Certificate): { notBeforeMs: number; notAfterMs: number } {
  return { notBeforeMs: Date.parse(certificate.validFrom), notAfterMs: Date.parse(certificate.validTo) }
}

/** Whether more than two thirds of its life are over, or it has not begun. */
export function isDueForRenewal(certificate: X509Certificate, nowMs: number): boolean {
  const { notBeforeMs, notAfterMs } = validityOf(certificate)
  return nowMs < notBeforeMs || nowMs >= notBeforeMs + ((notAfterMs - notBeforeMs) * 2) / 3
}
