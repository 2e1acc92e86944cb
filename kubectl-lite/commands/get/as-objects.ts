import { isNotFound } from '../../../lib/api/api-error.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { type ApiResource, printObject } from '../../cluster/api-resource.js'
import { getObject, listObjects } from '../../cluster/objects.js'
import { alignColumns } from '../../print/align-columns.js'
import type { OutputFormat } from '../../print/output-format.js'
import { asList, printPrettyJson, printYaml, withoutManagedFields } from '../../print/print-object.js'
import { sortByPath } from '../../print/sort-objects.js'
import type { GetContext, Query } from './query.js'

type ObjectFormat = Exclude<OutputFormat, { type: 'table' }>

interface Found {
  readonly resource: ApiResource
  readonly object: KubeObject
}

/** Prints whole objects. What failed is reported on the way and comes back. */
export async function getAsObjects(context: GetContext, queries: readonly Query[], format: ObjectFormat): Promise<{ failures: unknown[] }> {
  const { cluster, io, flags } = context
  const found: Found[] = []
  const failures: unknown[] = []
  for (const query of queries) {
    try {
      if (query.name !== undefined)
        found.push({
          resource: query.resource,
          object: await getObject(cluster.client, query.resource, { namespace: query.namespace, name: query.name }),
        })
      else {
        const selectors = { labelSelector: flags.selector, fieldSelector: flags.fieldSelector }
        const { items } = await listObjects(cluster.client, query.resource, { namespace: query.namespace, ...selectors })
        for (const object of items) found.push({ resource: query.resource, object })
      }
    } catch (error) {
      if (!(flags.ignoreNotFound && isNotFound(error))) context.report(error)
      failures.push(error)
    }
  }
  const sorted = flags.sortBy === undefined ? found : sortByPath(found, flags.sortBy, ({ object }) => object)
  const one = queries.length === 1 && queries[0]?.name !== undefined
  if (!one || sorted.length > 0) await io.out(await printObjects(sorted, format, one, flags))
  return { failures }
}

/** One object stands alone; several are a List. */
export async function printObjects(
  found: readonly Found[],
  format: ObjectFormat,
  one: boolean,
  flags: { readonly headers: boolean; readonly showManagedFields?: boolean },
): Promise<string> {
  const objects = found.map(({ object }) => (flags.showManagedFields ? object : withoutManagedFields(object)))
  const whole = one ? objects[0] : asList(objects)
  switch (format.type) {
    case 'json':
      return printPrettyJson(whole)
    case 'yaml':
      return await printYaml(whole)
    case 'name':
      return found.map(({ resource, object }) => `${printObject(resource, object.metadata.name)}\n`).join('')
    case 'template':
      return format.template(whole)
    case 'columns':
      return alignColumns([...(flags.headers ? [format.columns.header] : []), ...objects.map((object) => format.columns.row(object))])
  }
}
