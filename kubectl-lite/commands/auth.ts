/** `auth`: what one may do, and who one is, as the server sees it. */
import type { DefineCommand } from '../cli/cli.js'
import { canI } from './auth/can-i.js'
import { whoami } from './auth/whoami.js'

export const auth: DefineCommand = (command, cli) => {
  canI(command, cli)
  whoami(command, cli)
}
