export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never'

/** The policy that was asked for; else Always for the tag latest (or none), and IfNotPresent for everything else. */
export function resolvePullPolicy(image: string, policy: PullPolicy | undefined): PullPolicy {
  if (policy) return policy
  if (image.includes('@')) return 'IfNotPresent'
  const tag = image.slice(image.lastIndexOf('/') + 1).split(':')[1]
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent'
}
