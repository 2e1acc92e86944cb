/** `create controller`: a project with a kind, a controller, a manifest and a test. The cluster is not asked. */
import path from 'node:path'
import type { Command } from 'commander'
import type { DefineCommand } from '../../cli/cli.js'
import { UsageError } from '../../cli/exit-code.js'
import { millraceFolder, millraceSource } from '../../scaffold/millrace-source.js'
import { projectFiles } from '../../scaffold/project-files.js'
import { projectNames } from '../../scaffold/project-names.js'
import { writeProject } from '../../scaffold/write-project.js'
import type { CreateFlags } from './create-one.js'

interface ControllerFlags extends CreateFlags {
  readonly kind?: string
  readonly group: string
  readonly directory?: string
  readonly javascript?: boolean
  readonly millrace?: string
}

export const createController: DefineCommand = (command, cli) => {
  command
    .command('controller')
    .description('a project: a kind, its controller, a manifest and a test')
    .argument('<name>', 'as my-pool')
    .option('--kind <kind>', 'default: the name as one word, MyPool')
    .option('--group <domain>', 'of the kind', 'example.com')
    .option('--directory <directory>', 'where to write it; default: ./NAME')
    .option('--javascript', 'plain JavaScript instead of TypeScript')
    .option('--millrace <file>', 'what the project depends on: a tarball of npm pack, a clone, or a version; default: this one')
    .action(async (name: string, _flags: object, own: Command) => {
      const flags = own.optsWithGlobals<ControllerFlags>()
      if (flags.dryRun !== 'none' || flags.output !== undefined)
        throw new UsageError('create controller writes files, and has neither --dry-run nor --output')
      const { io } = cli
      const names = projectNames(name, flags)
      const directory = path.resolve(io.cwd, flags.directory ?? name)
      if (isWithin(directory, millraceFolder()))
        throw new UsageError(`a project lies outside of Millrace's own folder: name a place with --directory, such as ../${name}`)
      const millrace = millraceSource(flags.millrace, io.cwd)
      const files = await projectFiles({ names, javascript: flags.javascript === true, millrace })
      await writeProject(directory, files)
      const shown = path.relative(io.cwd, directory) || '.'
      await io.out(`controller/${name} created in ${shown}\n`)
      io.err(`Next: ${shown === '.' ? '' : `cd ${shown} && `}npm install && npm test; README.md says how it goes on.\n`)
    })
}

function isWithin(directory: string, folder: string): boolean {
  const way = path.relative(folder, directory)
  return way === '' || !(way.startsWith('..') || path.isAbsolute(way))
}
