import type { SelfSubjectReview, TokenReview } from '../../../lib/api/kinds/identity-review.js'
import type { BearerTokens } from '../tokens/bearer-tokens.js'
import type { UserInfo } from '../user.js'

type ShownUser = NonNullable<NonNullable<SelfSubjectReview['status']>['userInfo']>

/** A user in the words of the API. */
export function showUser({ name, uid, groups, extra }: UserInfo): ShownUser {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups: [...groups],
    ...(extra ? { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) } : {}),
  }
}

/** Who bears a token. Why one is not good is told to nobody: whoever asks may have guessed it. */
export function reviewToken(tokens: BearerTokens, { token = '', audiences }: TokenReview['spec']): NonNullable<TokenReview['status']> {
  const found = tokens.find(token, audiences?.length ? audiences : undefined)
  if (!found) return { authenticated: false, error: 'the token is not good here' }
  return { authenticated: true, user: showUser(found.user), audiences: [...found.audiences] }
}
