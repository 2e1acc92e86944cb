import type { Task } from '../../lib/api/kinds/task.js'
import type { PodTemplate } from '../../lib/api/pod-template/pod-template.js'
import { taskFromTemplate } from '../../lib/api/pod-template/task-from-template.js'
import { runLines } from './describe-task.js'
import { fieldLines, keyLines } from './text-block.js'

/** What each Task of a template is, in words. */
export function describeTemplate(template: PodTemplate): string {
  const { metadata, spec } = taskFromTemplate(template)
  const fields = fieldLines(
    [
      ['Labels', keyLines(metadata.labels)],
      ['Annotations', keyLines(template.metadata.annotations)],
      ['Container', template.spec.containers[0]?.name],
      ...runLines(spec as Task['spec']),
    ],
    2,
  )
  return `Template:\n${fields}`
}
