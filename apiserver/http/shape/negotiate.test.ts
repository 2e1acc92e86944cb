import { describe, expect, it } from 'vitest'
import { negotiate } from './negotiate.js'

const query = new URLSearchParams()
const print = (accept: string | undefined, isWatch = false) => {
  try {
    const { shape, stream } = negotiate(accept, query, isWatch)
    return `${shape.as} ${stream}`
  } catch (error) {
    return (error as { reason: string }).reason
  }
}

describe('negotiate', () => {
  it.each([
    [undefined, 'object json'],
    ['', 'object json'],
    ['*/*', 'object json'],
    ['application/json', 'object json'],
    ['application/*', 'object json'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'object json'],
    ['application/vnd.kubernetes.protobuf,application/json', 'object json'],
    ['application/vnd.kubernetes.protobuf', 'NotAcceptable'],
    ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', 'table json'],
    ['application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json', 'object json'],
    ['application/json;as=Table;v=v1beta1;g=meta.k8s.io', 'NotAcceptable'],
    ['application/json; as=PartialObjectMetadata; g=meta.k8s.io; v=v1', 'metadata json'],
    ['application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json', 'metadata json'],
    ['application/json;as=Sandwich;g=meta.k8s.io;v=v1', 'NotAcceptable'],
    ['application/yaml', 'NotAcceptable'],
    ['text/event-stream', 'NotAcceptable'],
    ['nonsense', 'NotAcceptable'],
    [','.repeat(100_000), 'NotAcceptable'],
  ])('answers a read that accepts %s with %s', (accept, expected) => expect(print(accept)).toBe(expected))

  it.each([
    ['text/event-stream', 'object sse'],
    ['text/event-stream,application/json', 'object sse'],
    ['application/json;stream=watch', 'object json'],
    ['application/json;as=Table;v=v1;g=meta.k8s.io', 'table json'],
  ])('answers a watch that accepts %s with %s', (accept, expected) => expect(print(accept, true)).toBe(expected))

  it('reads includeObject for tables', () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    for (const includeObject of ['None', 'Object', 'Metadata'])
      expect(negotiate(accept, new URLSearchParams({ includeObject }), false).shape).toEqual({ as: 'table', includeObject })
  })
})
