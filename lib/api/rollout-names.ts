/** The names by which Deployments and their ReplicaSets tell of revisions. They are Kubernetes' own: kubectl reads and writes them. */

/** The number of a ReplicaSet's revision. */
export const revisionAnnotation = 'deployment.kubernetes.io/revision'
/** Why a revision was made, in somebody's words. */
export const changeCauseAnnotation = 'kubernetes.io/change-cause'
/** In a template: when it was started anew. */
export const restartedAtAnnotation = 'kubectl.kubernetes.io/restartedAt'
/** The label by which the Tasks of one template are told from those of another. */
export const templateHashLabel = 'pod-template-hash'
