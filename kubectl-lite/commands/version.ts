/** `version`: of the client and the server. */
import { readFile } from 'node:fs/promises'
import { Option } from 'commander'
import type { DefineCommand } from '../cli/cli.js'
import { ExitError, exitOf } from '../cli/exit-code.js'
import { errorText } from '../cli/report-error.js'
import { printPrettyJson, printYaml } from '../print/print-object.js'

interface Flags {
  readonly client?: boolean
  readonly output?: 'json' | 'yaml'
}

export const version: DefineCommand = (command, cli) => {
  command
    .option('--client', 'only that of the client; no server is asked')
    .addOption(new Option('-o, --output <format>', 'json or yaml').choices(['json', 'yaml']))
    .action(async (flags: Flags) => {
      const clientVersion = {
        gitVersion: `v${await packageVersion()}`,
        nodeVersion: process.version,
        platform: `${process.platform}/${process.arch}`,
      }
      let serverVersion: { gitVersion?: string } | undefined
      let failure: unknown
      if (!flags.client)
        try {
          const cluster = await cli.connect()
          const response = await cluster.client.raw({ method: 'GET', path: '/version' })
          serverVersion = JSON.parse(await response.text()) as { gitVersion?: string }
        } catch (error) {
          failure = error
        }
      const both = { clientVersion, ...(serverVersion ? { serverVersion } : {}) }
      if (flags.output === 'json') await cli.io.out(printPrettyJson(both))
      else if (flags.output === 'yaml') await cli.io.out(await printYaml(both))
      else
        await cli.io.out(
          `Client Version: ${clientVersion.gitVersion}\n${serverVersion ? `Server Version: ${serverVersion.gitVersion}\n` : ''}`,
        )
      if (failure === undefined) return
      cli.io.err(`${errorText(failure)}\n`)
      throw new ExitError(exitOf(failure))
    })
}

/** From the package.json above, wherever the built file lies. */
async function packageVersion(): Promise<string> {
  for (const place of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version: found } = JSON.parse(await readFile(new URL(place, import.meta.url), 'utf8')) as {
        name?: string
        version?: string
      }
      if (name === 'millrace' && found) return found
    } catch {
      // Not at this level.
    }
  }
  return 'unknown'
}
