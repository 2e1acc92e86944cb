import { invalidValue, notSupported, type StatusCause } from '../api-error.js'
import { defineKind, type KubeObject, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'

/** Asks for a token of a ServiceAccount: the body of `serviceaccounts/NAME/token`. Nothing is stored. */
export const TokenRequest = defineKind({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  plural: 'tokenrequests',
  scope: 'Namespaced',
  description: 'Asks for a token of a ServiceAccount.',
  spec: t
    .object({
      audiences: t.list(t.string()).describe('Who shall take the token. Default: the API server.').optional(),
      expirationSeconds: t.integer().describe('Seconds that it shall be good, at least 600.').default(3600),
      boundObjectRef: t
        .object({
          kind: t.string().describe('Secret or Task.').optional(),
          apiVersion: t.string().describe('v1 or millrace.dev/v1.').optional(),
          name: t.string().describe('The name of the object.').optional(),
          uid: t.string().describe('Its uid; default: that of the present object.').optional(),
        })
        .describe('An object of the same namespace; the token ends with it.')
        .optional(),
    })
    .default({}),
  status: t.object({
    token: t.string().describe('The token.'),
    expirationTimestamp: t.time().describe('When it ends.'),
  }),
  verbs: ['create'],
  validate: validateTokenRequest,
})
export type TokenRequest = Resource<typeof TokenRequest>

/** Objects that a token may be bound to, by `apiVersion/kind`. */
export const bindableResources: Readonly<Record<string, { readonly group: string; readonly resource: string; readonly claim: string }>> = {
  'v1/Secret': { group: '', resource: 'secrets', claim: 'secret' },
  'millrace.dev/v1/Task': { group: 'millrace.dev', resource: 'tasks', claim: 'task' },
}

const minSeconds = 600
const maxSeconds = 2 ** 32

function validateTokenRequest(object: KubeObject): StatusCause[] {
  const { expirationSeconds, boundObjectRef } = object.spec as TokenRequest['spec']
  const causes: StatusCause[] = []
  if (expirationSeconds < minSeconds)
    causes.push(invalidValue('spec.expirationSeconds', expirationSeconds, 'may not specify a duration less than 10 minutes'))
  if (expirationSeconds > maxSeconds)
    causes.push(invalidValue('spec.expirationSeconds', expirationSeconds, 'may not specify a duration larger than 2^32 seconds'))
  if (boundObjectRef) {
    const { apiVersion = '', kind = '' } = boundObjectRef
    if (!Object.hasOwn(bindableResources, `${apiVersion}/${kind}`))
      causes.push(
        notSupported(
          'spec.boundObjectRef.kind',
          `${apiVersion}, Kind=${kind}`,
          'supported values: "v1, Kind=Secret", "millrace.dev/v1, Kind=Task"',
        ),
      )
  }
  return causes
}
