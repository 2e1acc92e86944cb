import { expect, it } from 'vitest'
import { ConnectionError } from '../../lib/client/client.js'
import { errorText } from './report-error.js'

it.each([
  ['nothing listens at https://a: is the cluster started?', 'nothing listens at https://a: is the cluster started?'],
  ['the connection to https://a broke', 'the connection to https://a broke. Is the cluster running?'],
])('asks once whether the cluster runs: %s', (message, asked) => {
  expect(errorText(new ConnectionError(message))).toBe(`error: ${asked} (npm run up starts the default one.)`)
})
