import { expect, it } from 'vitest'
import { parseLoginName } from './login-name.js'

it.each([
  ['dev', { namespace: 'default', name: 'dev' }],
  ['dev.team', { namespace: 'team', name: 'dev' }],
  ['', undefined],
  ['.team', undefined],
  ['dev.', undefined],
  ['dev.team.more', undefined],
  ['Dev', undefined],
  ['dev/../x', undefined],
  ['root\0', undefined],
  [`${'a'.repeat(64)}`, undefined],
])('the user name %j chooses %j', (user, login) => {
  expect(parseLoginName(user)).toEqual(login)
})
