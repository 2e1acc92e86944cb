import { expect, it } from 'vitest'
import { ApiError } from '../../lib/api/api-error.js'
import { ConnectionError } from '../../lib/client/client.js'
import { errorText } from './report-error.js'

it.each([
  ['nothing listens at https://a: is the cluster started?', 'nothing listens at https://a: is the cluster started?'],
  ['the connection to https://a broke', 'the connection to https://a broke. Is the cluster running?'],
])('asks once whether the cluster runs: %s', (message, asked) => {
  expect(errorText(new ConnectionError(message))).toBe(`error: ${asked} (npm run up starts the default one.)`)
})

it('says how to forget a kind that was deleted', () => {
  const error = ApiError.fromStatus({ code: 404, message: 'the server answered with code 404: 404 page not found' }, 404)
  expect(errorText(error)).toBe('error: the server does not serve this kind any more; kubectl-lite api-resources reads the kinds anew')
})
