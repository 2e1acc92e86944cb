/** The reference pages are what the kinds' declarations say. Write them anew with `npx vitest run test/docs -u`. */
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { podTemplatePage } from '../../lib/api/pod-template/pod-template-page.js'
import { referencePage } from '../../lib/api/reference-page.js'

const docs = path.resolve(import.meta.dirname, '../../docs')

describe('the reference page', () => {
  it.each(builtinKinds.map((kind) => [kind.kind, kind] as const))('of %s is what its declaration says', async (_name, kind) => {
    await expect(referencePage(kind)).toMatchFileSnapshot(path.join(docs, 'reference', `${kind.singular}.md`))
  })

  it('of Pod templates says which fields of Kubernetes are taken for what', async () => {
    await expect(podTemplatePage()).toMatchFileSnapshot(path.join(docs, 'reference', 'pod-template.md'))
  })
})
