/**
 * Questions: requests that create nothing. Their kinds have the one verb create, and the answer is the body that was sent, with a status.
 */
import { badRequest } from '../../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { LocalSubjectAccessReview, SelfSubjectAccessReview, SubjectAccessReview } from '../../../lib/api/kinds/access-review.js'
import { SelfSubjectReview, TokenReview } from '../../../lib/api/kinds/identity-review.js'
import { SelfSubjectRulesReview } from '../../../lib/api/kinds/rules-review.js'
import { reviewAccess, userOfReview } from '../../auth/reviews/review-access.js'
import { reviewToken, showUser } from '../../auth/reviews/review-identity.js'
import { reviewRules } from '../../auth/reviews/review-rules.js'
import { readQuestion } from '../../registry/read-question.js'
import type { ServerParts } from '../server-parts.js'
import { requirePlain } from '../shape/negotiate.js'
import { sendValue } from '../wire/answer.js'
import { accessOf, authorize, type Exchange } from '../wire/exchange.js'
import { receiveObject } from '../wire/request-body.js'
import { requestContext } from '../wire/request-context.js'

/** The question with its answer. */
type AnswerQuestion = (parts: ServerParts, exchange: Exchange, question: KubeObject) => object

const answers = new Map<string, AnswerQuestion>([
  [SelfSubjectReview.plural, (_parts, { user }, question) => ({ ...question, status: { userInfo: showUser(user) } })],
  [TokenReview.plural, answerTokenReview],
  [
    SelfSubjectAccessReview.plural,
    ({ authorizer }, { user }, question) => ({ ...question, status: reviewAccess(authorizer, user, specOf(question)) }),
  ],
  [SubjectAccessReview.plural, answerAccessReview],
  [LocalSubjectAccessReview.plural, answerAccessReview],
  [
    SelfSubjectRulesReview.plural,
    ({ policy }, { user }, question) => ({ ...question, status: reviewRules(policy, user, specOf(question).namespace ?? '') }),
  ],
])

/** Whether creating an object of the kind asks a question. */
export function isQuestion({ plural, verbs }: Kind): boolean {
  return verbs.length === 1 && answers.has(plural)
}

/** Answers the creation of such an object. */
export async function answerQuestion(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user, request, response } = exchange
  authorize(parts.authorizer, accessOf(user, info))
  requirePlain(request.headers.accept)
  const body = await receiveObject(request, parts.limits.bounds.maxBodyBytes)
  const question = readQuestion(kind, body, requestContext(exchange))
  const answer = answers.get(kind.plural)
  if (!answer) throw badRequest(`${kind.plural} cannot be asked`)
  sendValue(response, 201, answer(parts, exchange, question))
}

function answerAccessReview({ authorizer }: ServerParts, { info }: Exchange, question: KubeObject): object {
  const spec = specOf(question)
  if (info.namespace !== '' && spec.resourceAttributes?.namespace !== info.namespace)
    throw badRequest(`spec.resourceAttributes.namespace must be the namespace of the request, ${info.namespace}`)
  return { ...question, status: reviewAccess(authorizer, userOfReview(spec), spec) }
}

/** The token itself is not sent back. */
function answerTokenReview({ tokens }: ServerParts, _exchange: Exchange, question: KubeObject): object {
  const { token, ...spec } = question.spec as TokenReview['spec']
  return { ...question, spec, status: reviewToken(tokens.bearer, { token, ...spec }) }
}

const specOf = (question: KubeObject) => question.spec as SubjectAccessReview['spec'] & { namespace?: string }
