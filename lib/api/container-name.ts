import { isDnsLabel } from './names.js'
import type { ObjectMetaInput } from './object-meta.js'

/** What the one container of a Task is called where it is seen as a Pod: as in the template that the Task was made from. */
export const containerAnnotation = 'millrace.dev/container'

const usual = 'main'

export function containerNameOf({ annotations }: Pick<ObjectMetaInput, 'annotations'>): string {
  const name = annotations?.[containerAnnotation]
  return name !== undefined && isDnsLabel(name) ? name : usual
}

/** The annotation that makes `containerNameOf` say this name. */
export function containerNaming(name: string): Record<string, string> {
  return name === usual ? {} : { [containerAnnotation]: name }
}
