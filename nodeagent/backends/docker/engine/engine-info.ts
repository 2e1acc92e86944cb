import type Docker from 'dockerode'
import type { BackendInfo } from '../../backend.js'
import type { Engine } from './engine.js'
import { explain } from './engine-refusal.js'
import { snapshotImages } from './image-reference.js'

const imagesShown = 50

/** What an engine is, and the images that it has. One that does not answer is unavailable, in words. */
export async function engineInfo(engine: Engine, signal: AbortSignal): Promise<BackendInfo> {
  const common = { isolation: 'container', limits: 'enforced' } as const
  try {
    const version = await engine.call(signal, (options) => versionOf(engine.docker, options))
    const images = await engine.call(signal, (options) => engine.docker.listImages(options))
    const shown = images
      .map((image) => ({
        names: [...(image.RepoTags ?? []), ...(image.RepoDigests ?? [])].filter(
          (name) => !name.includes('<none>') && !name.startsWith(snapshotImages),
        ),
        sizeBytes: image.Size,
      }))
      .filter(({ names }) => names.length > 0)
      .sort((a, b) => b.sizeBytes - a.sizeBytes)
    return { ...common, available: true, version: version.Version, images: shown.slice(0, imagesShown) }
  } catch (error) {
    if (signal.aborted) throw error
    return { ...common, available: false, message: explain(error) }
  }
}

/** dockerode's types know this call with a callback alone. */
function versionOf(docker: Docker, options: object): Promise<Docker.DockerVersion> {
  return (docker.version as (options: object) => Promise<Docker.DockerVersion>).call(docker, options)
}
