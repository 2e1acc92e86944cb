import {
  bool,
  type Field,
  inlined,
  int,
  intOrString,
  keptMessage,
  type Message,
  many,
  one,
  optionalBool,
  optionalInt,
  optionalText,
  quantities,
  quantity,
  text,
  texted,
  texts,
} from './message-field.js'

const objectName = inlined({ 1: text('name') })
const keySelector: Message = { 1: objectName, 2: text('key'), 3: optionalBool('optional') }
const wholeObject: Message = { 1: objectName, 2: optionalBool('optional') }

const envVar: Message = {
  closed: 'EnvVar',
  1: text('name'),
  2: text('value'),
  3: one('valueFrom', { closed: 'EnvVarSource', 3: one('configMapKeyRef', keySelector), 4: one('secretKeyRef', keySelector) }),
}

const port: Message = {
  closed: 'ContainerPort',
  1: text('name'),
  2: int('hostPort'),
  3: int('containerPort'),
  4: text('protocol'),
  5: text('hostIP'),
}

const asks: Message = {
  closed: 'ProbeHandler',
  1: keptMessage('exec', { 1: texts('command') }),
  2: keptMessage('httpGet', { closed: 'HTTPGetAction', 1: text('path'), 2: intOrString('port'), 3: text('host'), 4: text('scheme') }),
  3: keptMessage('tcpSocket', { 1: intOrString('port'), 2: text('host') }),
}
const probe: Message = {
  closed: 'Probe',
  1: inlined(asks),
  2: int('initialDelaySeconds'),
  3: int('timeoutSeconds'),
  4: int('periodSeconds'),
  5: int('successThreshold'),
  6: int('failureThreshold'),
  7: optionalInt('terminationGracePeriodSeconds'),
}

const securityContext: Message = {
  closed: 'SecurityContext',
  2: optionalBool('privileged'),
  4: optionalInt('runAsUser'),
  5: optionalBool('runAsNonRoot'),
  6: optionalBool('readOnlyRootFilesystem'),
  7: optionalBool('allowPrivilegeEscalation'),
  8: optionalInt('runAsGroup'),
  9: text('procMount'),
}

const volumeMount: Message = {
  closed: 'VolumeMount',
  1: text('name'),
  2: bool('readOnly'),
  3: text('mountPath'),
  4: text('subPath'),
  5: text('mountPropagation'),
  6: text('subPathExpr'),
  7: text('recursiveReadOnly'),
}

const container: Message = {
  closed: 'Container',
  1: text('name'),
  2: text('image'),
  3: texts('command'),
  4: texts('args'),
  5: text('workingDir'),
  6: many('ports', port),
  7: many('env', envVar),
  8: one('resources', { closed: 'ResourceRequirements', 1: quantities('limits'), 2: quantities('requests') }),
  9: many('volumeMounts', volumeMount),
  10: keptMessage('livenessProbe', probe),
  11: keptMessage('readinessProbe', probe),
  13: text('terminationMessagePath'),
  14: text('imagePullPolicy'),
  15: one('securityContext', securityContext),
  16: bool('stdin'),
  17: bool('stdinOnce'),
  18: bool('tty'),
  19: many('envFrom', {
    closed: 'EnvFromSource',
    1: text('prefix'),
    2: one('configMapRef', wholeObject),
    3: one('secretRef', wholeObject),
  }),
  20: text('terminationMessagePolicy'),
  22: keptMessage('startupProbe', probe),
}

const keyToPath = many('items', { 1: text('key'), 2: text('path'), 3: optionalInt('mode') })
const volumeSource: Message = {
  closed: 'VolumeSource',
  1: keptMessage('hostPath', { 1: text('path'), 2: text('type') }),
  2: keptMessage('emptyDir', { 1: text('medium'), 2: quantity('sizeLimit') }),
  6: keptMessage('secret', { 1: text('secretName'), 2: keyToPath, 3: optionalInt('defaultMode'), 4: optionalBool('optional') }),
  19: keptMessage('configMap', { 1: objectName, 2: keyToPath, 3: optionalInt('defaultMode'), 4: optionalBool('optional') }),
}

const requirement: Message = { 1: text('key'), 2: text('operator'), 3: texts('values') }
const nodeSelectorTerm: Message = { 1: many('matchExpressions', requirement), 2: many('matchFields', requirement) }
const nodeAffinity: Message = {
  1: one('requiredDuringSchedulingIgnoredDuringExecution', { 1: many('nodeSelectorTerms', nodeSelectorTerm) }),
  2: many('preferredDuringSchedulingIgnoredDuringExecution', { 1: int('weight'), 2: keptMessage('preference', nodeSelectorTerm) }),
}

const toleration: Message = {
  1: text('key'),
  2: text('operator'),
  3: text('value'),
  4: text('effect'),
  5: optionalInt('tolerationSeconds'),
}

const podSpec: Message = {
  closed: 'PodSpec',
  1: many('volumes', { closed: 'Volume', 1: text('name'), 2: inlined(volumeSource) }),
  2: many('containers', container),
  3: text('restartPolicy'),
  4: optionalInt('terminationGracePeriodSeconds'),
  5: optionalInt('activeDeadlineSeconds'),
  6: text('dnsPolicy'),
  7: texted('nodeSelector'),
  8: text('serviceAccountName'),
  9: text('serviceAccount'),
  10: text('nodeName'),
  11: bool('hostNetwork'),
  12: bool('hostPID'),
  13: bool('hostIPC'),
  16: text('hostname'),
  17: text('subdomain'),
  18: one('affinity', { closed: 'Affinity', 1: one('nodeAffinity', nodeAffinity) }),
  19: text('schedulerName'),
  21: optionalBool('automountServiceAccountToken'),
  22: many('tolerations', toleration),
  24: text('priorityClassName'),
  25: optionalInt('priority'),
  27: optionalBool('shareProcessNamespace'),
  29: optionalText('runtimeClassName'),
  30: optionalBool('enableServiceLinks'),
  31: text('preemptionPolicy'),
  35: optionalBool('setHostnameAsFQDN'),
  37: optionalBool('hostUsers'),
}

/** A PodTemplateSpec. What Millrace cannot do at all is not listed, and refused: it is better said in JSON, where a path can be named. */
export const podTemplateFields = (metadata: Field): Message => ({ 1: metadata, 2: one('spec', podSpec) })
