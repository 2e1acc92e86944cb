import type { CertificateSigningRequest } from '../../lib/api/kinds/certificate-signing-request.js'

const hourMs = 3_600_000
/** As Kubernetes keeps them. */
const answeredForMs = hourMs
const unansweredForMs = 24 * hourMs

/** Whether nobody needs the request any more: an hour after it was answered, a day after it was made when nobody answers. */
export function isOld({ metadata, status }: Pick<CertificateSigningRequest, 'metadata' | 'status'>, nowMs: number): boolean {
  const answers = (status?.conditions ?? []).filter(({ type }) => ['Approved', 'Denied', 'Failed'].includes(type))
  const madeMs = Date.parse(metadata.creationTimestamp)
  if (answers.length === 0) return nowMs >= madeMs + unansweredForMs
  return answers.every(({ lastTransitionTime }) => nowMs >= Date.parse(lastTransitionTime ?? metadata.creationTimestamp) + answeredForMs)
}
