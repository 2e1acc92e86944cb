/** `annotate`: changes annotations. */
import { keyChangesCommand } from './key-changes.js'

export const annotate = keyChangesCommand('annotations', 'annotated', 'kubectl-annotate')
