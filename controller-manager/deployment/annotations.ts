/** Kubernetes' names, which kubectl reads. */
export const revisionAnnotation = 'deployment.kubernetes.io/revision'
/** Earlier revisions of a set that was rolled back to, as `1,4`. */
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history'
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas'
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'
export const templateHashLabel = 'pod-template-hash'
