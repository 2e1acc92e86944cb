/**
 * Deletes CertificateSigningRequests that are answered or that nobody answers, and what says whose node names are taken when the last
 * certificate has ended. Who holds a name does not hang on the request; see node-certificates.ts.
 */
import { CertificateSigningRequest } from '../../lib/api/kinds/certificate-signing-request.js'
import { ConfigMap } from '../../lib/api/kinds/config-map.js'
import { goodCertificates, nodeCertificatesLabel, nodeCertificatesNamespace } from '../../lib/api/kinds/node-certificates.js'
import { systemClock } from '../../lib/base/clock.js'
import type { ControllerContext } from '../controller-context.js'
import { runSweep } from '../sweep.js'
import { isOld } from './is-old.js'

const everyMs = 600_000

export async function runCsrCleaner(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { client } = context
  const requests = runSweep(
    context,
    {
      name: 'csr-cleaner',
      everyMs,
      kind: CertificateSigningRequest,
      list: async () => (await client.of(CertificateSigningRequest).list({ signal })).items,
      isDue: isOld,
    },
    signal,
  )
  const names = runSweep(
    context,
    {
      name: 'csr-cleaner',
      everyMs,
      kind: ConfigMap,
      list: async () =>
        (await client.of(ConfigMap).list({ namespace: nodeCertificatesNamespace, labelSelector: nodeCertificatesLabel, signal })).items,
      // Certificates keep the machine's time.
      isDue: ({ data }) => Object.keys(goodCertificates(data ?? {}, systemClock.now())).length === 0,
    },
    signal,
  )
  await Promise.all([requests, names])
}
