import type { Score } from './score.js'

/** From this size on an image that is present counts fully; smaller ones are pulled quickly anyway. */
const fullSizeBytes = 1024 ** 3

/** The node that has the image already; larger images count more. */
export const imageLocalityScore: Score = {
  name: 'ImageLocality',
  weight: 1,
  matters: (workload) => workload.image !== undefined,
  rate: (workload, { facts }) => {
    const size = imageNames(workload.image ?? '')
      .map((name) => facts.images.get(name))
      .find((bytes) => bytes !== undefined)
    return size === undefined ? 0 : 10 + 90 * Math.min(1, size / fullSizeBytes)
  },
}

/** The names under which an engine may list it: `busybox` is also `busybox:latest`. */
function imageNames(image: string): string[] {
  const last = image.slice(image.lastIndexOf('/') + 1)
  return last.includes(':') || last.includes('@') ? [image] : [image, `${image}:latest`]
}
