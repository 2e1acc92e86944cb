/** Labels by which work finds nodes: a node that sets them for itself draws work (and its secrets) to itself. */

/** Facts about the machine, which an agent keeps up to date. */
const reported = new Set(['kubernetes.io/hostname', 'kubernetes.io/os', 'kubernetes.io/arch'])

const protectedDomains = ['millrace.dev', 'kubernetes.io', 'k8s.io']

/** Whether a node may change the label of its own Node. */
export function mayReportLabel(key: string): boolean {
  return reported.has(key)
}

/** Whether a node may have the label when it registers: facts, and whatever its owner chose outside the protected domains. */
export function mayRegisterWithLabel(key: string): boolean {
  return reported.has(key) || !isProtected(key)
}

/** Whether a label or annotation is of a domain whose words have a meaning for the cluster: `millrace.dev/role`. */
export function isProtected(key: string): boolean {
  const domain = key.includes('/') ? key.slice(0, key.indexOf('/')) : ''
  return protectedDomains.some((name) => domain === name || domain.endsWith(`.${name}`))
}

/** Keys whose value differs, is new, or is gone. */
export function changedLabels(old: Readonly<Record<string, string>> = {}, next: Readonly<Record<string, string>> = {}): readonly string[] {
  return [...new Set([...Object.keys(old), ...Object.keys(next)])].filter((key) => old[key] !== next[key])
}
