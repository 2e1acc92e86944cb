/** `create token`: prints a token of a ServiceAccount. It is stored nowhere. */
import { ServiceAccount } from '../../../lib/api/kinds/service-account.js'
import { bindableResources, TokenRequest } from '../../../lib/api/kinds/token-request.js'
import { resourcePath } from '../../../lib/client/resource-path.js'
import type { DefineCommand } from '../../cli/cli.js'
import { UsageError } from '../../cli/exit-code.js'
import { parseDuration } from '../../cli/timeout.js'
import { collect } from './roles.js'

interface TokenFlags {
  readonly duration?: number
  readonly audience: string[]
  readonly boundObjectKind?: string
  readonly boundObjectName?: string
  readonly boundObjectUid?: string
}

export const createToken: DefineCommand = (command, cli) => {
  command
    .command('token')
    .description('prints a token of a ServiceAccount')
    .argument('<serviceaccount>')
    .option('--duration <duration>', 'how long it is good; default: an hour', parseDuration)
    .option('--audience <names>', 'who shall take it; default: the API server', collect, [])
    .option('--bound-object-kind <kind>', 'Secret or Task: the token ends with the object')
    .option('--bound-object-name <name>', 'the name of that object')
    .option('--bound-object-uid <uid>', 'its uid; default: that of the present one')
    .action(async (name: string, flags: TokenFlags) => {
      const boundObjectRef = boundObject(flags)
      const cluster = await cli.connect()
      const spec = {
        ...(flags.duration === undefined ? {} : { expirationSeconds: Math.floor(flags.duration / 1000) }),
        ...(flags.audience.length > 0 ? { audiences: flags.audience } : {}),
        ...(boundObjectRef ? { boundObjectRef } : {}),
      }
      const path = resourcePath(ServiceAccount, { namespace: cluster.namespace, name, subresource: 'token' })
      const body = { apiVersion: TokenRequest.apiVersion, kind: TokenRequest.kind, spec }
      const answer = await cluster.client.raw({ method: 'POST', path, body })
      const { status } = JSON.parse(await answer.text()) as TokenRequest
      await cli.io.out(`${status?.token ?? ''}\n`)
    })
}

function boundObject({ boundObjectKind: kind, boundObjectName: name, boundObjectUid: uid }: TokenFlags) {
  if (kind === undefined && name === undefined && uid === undefined) return undefined
  if (kind === undefined || name === undefined) throw new UsageError('--bound-object-kind and --bound-object-name go together')
  const known = Object.keys(bindableResources).find((candidate) => candidate.endsWith(`/${kind}`))
  if (known === undefined) throw new UsageError(`--bound-object-kind takes Secret or Task, not ${kind}`)
  return { apiVersion: known.slice(0, -kind.length - 1), kind, name, ...(uid === undefined ? {} : { uid }) }
}
