/** `set`: parts of the template of a Deployment or ReplicaSet. */
import type { DefineCommand } from '../cli/cli.js'
import { setEnv } from './set/set-env.js'
import { setImage } from './set/set-image.js'

export const set: DefineCommand = (command, cli) => {
  setImage(command, cli)
  setEnv(command, cli)
}
