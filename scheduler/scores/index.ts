/** The scores; a node's rating is their weighted sum. */
import { imageLocalityScore } from './image-locality.js'
import { leastAllocatedScore } from './least-allocated.js'
import { preferredAffinityScore } from './preferred-affinity.js'
import type { Score } from './score.js'
import { softTaintsScore } from './soft-taints.js'
import { spreadScore } from './spread.js'

export const scores: readonly Score[] = [leastAllocatedScore, spreadScore, imageLocalityScore, preferredAffinityScore, softTaintsScore]
