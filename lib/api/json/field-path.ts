/** A place in an object: names of fields and indexes of list items, from the outside in. */
export type FieldPath = readonly (string | number)[]

/** `spec.env[0].name`, as Kubernetes prints it. */
export function printFieldPath(path: FieldPath): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else text += text === '' ? part : `.${part}`
  }
  return text
}
