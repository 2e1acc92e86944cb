/** `label`: changes labels. */
import { keyChangesCommand } from './key-changes.js'

export const label = keyChangesCommand('labels', 'labeled', 'kubectl-label')
