import { requiredValue } from '../api-error.js'
import { defineKind, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'
import { TokenRequest } from './token-request.js'

const UserInfoSchema = t
  .object({
    username: t.string().describe('The name.').optional(),
    uid: t.string().describe('The uid, where the user has one.').optional(),
    groups: t.list(t.string()).describe('The groups.').optional(),
    extra: t.map(t.list(t.string())).describe('Further facts about the user or the credential.').optional(),
  })
  .describe('A user, as the server knows it.')

const { group, version } = TokenRequest

export const SelfSubjectReview = defineKind({
  group,
  version,
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  scope: 'Cluster',
  description: 'Asks who one is.',
  status: t.object({ userInfo: UserInfoSchema.optional() }),
  verbs: ['create'],
})
export type SelfSubjectReview = Resource<typeof SelfSubjectReview>

export const TokenReview = defineKind({
  group,
  version,
  kind: 'TokenReview',
  plural: 'tokenreviews',
  scope: 'Cluster',
  description: 'Asks who bears a token.',
  spec: t.object({
    token: t.string().describe('The token.').optional(),
    audiences: t.list(t.string()).describe('Who asks; the token must be for one of them. Default: the API server.').optional(),
  }),
  status: t.object({
    authenticated: t.boolean().describe('Whether the token is good.').optional(),
    user: UserInfoSchema.optional(),
    audiences: t.list(t.string()).describe('Which of the audiences the token is for.').optional(),
    error: t.string().describe('Why the token is not good.').optional(),
  }),
  encrypted: true,
  verbs: ['create'],
  validate: ({ spec }) => ((spec as { token?: string }).token ? [] : [requiredValue('spec.token')]),
})
export type TokenReview = Resource<typeof TokenReview>
