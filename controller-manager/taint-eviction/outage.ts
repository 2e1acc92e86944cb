/** From this share of silent nodes on, the fault is not theirs. */
const outageShare = 0.55
/** Fewer nodes than this say nothing about a share. */
const fewestNodes = 3

/** Whether so many nodes are silent at once that it is the network or this side that failed: then nobody is evicted because of silence. */
export function isOutage(silentNodes: number, nodes: number): boolean {
  return nodes >= fewestNodes && silentNodes / nodes >= outageShare
}
