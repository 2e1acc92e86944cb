/** `rollout`: how a Deployment comes from one template to the next: watch it, go back, start anew, hold it. */
import type { DefineCommand } from '../cli/cli.js'
import { rolloutChanges } from './rollout/change-rollout.js'
import { rolloutHistory } from './rollout/rollout-history.js'
import { rolloutStatus } from './rollout/rollout-status.js'
import { undoRollout } from './rollout/undo-rollout.js'

export const rollout: DefineCommand = (command, cli) => {
  rolloutStatus(command, cli)
  rolloutHistory(command, cli)
  undoRollout(command, cli)
  rolloutChanges(command, cli)
}
