/** Where an object lives. `group` is empty for the core group, `namespace` for cluster-scoped kinds. `resource` is the plural. */
export interface ObjectKey {
  readonly group: string
  readonly resource: string
  readonly namespace: string
  readonly name: string
}

/** `millrace.dev/tasks/default/hello`; empty parts stay empty: `/nodes//n1`. No part contains a slash. */
export function printKey(key: ObjectKey): string {
  return `${key.group}/${key.resource}/${key.namespace}/${key.name}`
}

/** The inverse of printKey. */
export function parseKey(text: string): ObjectKey {
  const [group, resource, namespace, name, ...rest] = text.split('/')
  if (group === undefined || !resource || namespace === undefined || !name || rest.length > 0) throw new Error(`not an object key: ${text}`)
  return { group, resource, namespace, name }
}
