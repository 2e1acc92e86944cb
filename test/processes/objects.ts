/** Objects of about 2 KB, as the goals speak of. */
const filler = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(40)

/** A Task of `bytes` bytes of JSON (before the server's own fields). */
export function taskBody(name: string, options: { bytes?: number; labels?: Record<string, string>; spec?: object } = {}): Buffer {
  const object = {
    apiVersion: 'millrace.dev/v1',
    kind: 'Task',
    metadata: { name, labels: { app: 'bench', ...options.labels }, annotations: { filler: '' } },
    spec: {
      command: ['sleep', '3600'],
      env: [
        { name: 'A', value: 'one' },
        { name: 'B', value: 'two' },
      ],
      resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
      ...options.spec,
    },
  }
  const missing = (options.bytes ?? 1600) - JSON.stringify(object).length
  object.metadata.annotations.filler = filler.slice(0, Math.max(0, missing))
  return Buffer.from(JSON.stringify(object))
}
