import http from 'node:http'

/** The socket that DOCKER_HOST names; undefined when it names none, or no socket. */
export function dockerSocket(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const host = env.DOCKER_HOST ?? ''
  return host.startsWith('unix://') ? host.slice('unix://'.length) : undefined
}

/** Whether Docker's engine answers on its socket within two seconds. An engine that is reached over the network is not this node's. */
export function dockerAnswers(env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  const socketPath = dockerSocket(env) ?? '/var/run/docker.sock'
  if (env.DOCKER_HOST && dockerSocket(env) === undefined) return Promise.resolve(false)
  return new Promise((resolve) => {
    const request = http.get({ socketPath, path: '/_ping', timeout: 2_000 }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy(new Error('no answer')))
    request.on('error', () => resolve(false))
  })
}
