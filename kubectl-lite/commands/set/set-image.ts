import type { DefineCommand } from '../../cli/cli.js'
import { type DryRun, dryRunOption } from '../../cli/dry-run.js'
import { UsageError } from '../../cli/exit-code.js'
import { forEach } from '../../cli/for-each.js'
import { findTargets, type TargetFlags, withTargetFlags } from '../../cluster/target-objects.js'
import { changeTemplate, readTemplated, type Templated } from '../../workloads/templated.js'
import { splitWords } from './split-words.js'

/** `set image deployment/web web=nginx:2`, or `*=nginx:2` whatever the container is called. */
export const setImage: DefineCommand = (command, cli) => {
  withTargetFlags(command.command('image').description('the image of a container').argument('[words...]', 'KIND/NAME… CONTAINER=IMAGE'))
    .addOption(dryRunOption())
    .addHelpText('after', '\nExample: kubectl-lite set image deployment/web web=nginx:2     (*=nginx:2 whatever the container is called)')
    .action(async (words: string[], flags: TargetFlags & { dryRun: DryRun }) => {
      const { objects, settings } = splitWords(words, (word) => /^[^=/]+=./.test(word), 'image deployment/web web=nginx:2')
      const images = settings.map((word) => ({ container: word.slice(0, word.indexOf('=')), image: word.slice(word.indexOf('=') + 1) }))
      const cluster = await cli.connect()
      await forEach(await findTargets(cluster, objects, flags, cli.io), cli.io, async (target) => {
        const live = await readTemplated(cluster, target)
        const containers = imagesOf(live, images)
        await changeTemplate(cluster, cli.io, target, live, {
          template: { spec: { containers } },
          verb: 'image updated',
          dryRun: flags.dryRun,
        })
      })
    })
}

interface Image {
  readonly container: string
  readonly image: string
}

/** Throws UsageError for a container that is not there. */
function imagesOf({ metadata, spec }: Templated, images: readonly Image[]): { name: string; image: string }[] {
  const names = spec.template.spec.containers.map(({ name }) => name)
  return images.flatMap(({ container, image }) => {
    if (container === '*') return names.map((name) => ({ name, image }))
    if (!names.includes(container))
      throw new UsageError(`${metadata.name} has no container "${container}"; the one there is called "${names.join('", "')}"`)
    return [{ name: container, image }]
  })
}
