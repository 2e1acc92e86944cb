import { isMap, isSeq, parseDocument } from 'yaml'
import { hiddenValue, invalidValue, type StatusCause } from '../../../lib/api/api-error.js'
import { userDataFormat } from '../../../lib/api/user-data.js'
import { isYamlTooDeep } from '../../../lib/api/yaml-nesting.js'

const field = 'spec.userData'

/** Parsing blocks the loop for some milliseconds per KB; what is larger is the guest's to read. */
const mostParsed = 16 * 1024

/** What is wrong with the YAML of user data. It often holds passwords, so nothing says more of it than a place. */
export function userDataCauses(text: string): StatusCause[] {
  const format = userDataFormat(text)
  const isConfig = format === 'cloud-config'
  if ((!isConfig && format !== 'cloud-config-archive') || text.length > mostParsed) return []
  const wrong = (why: string) => [invalidValue(field, hiddenValue, why)]
  if (isYamlTooDeep(text)) return wrong('nests too deep')
  const { errors, contents } = parseDocument(text, { version: '1.1', resolveKnownTags: false, uniqueKeys: false, logLevel: 'error' })
  const [error] = errors
  if (error) return wrong(`is no YAML: ${error.code}${error.linePos ? ` at line ${error.linePos[0].line}` : ''}`)
  if (contents === null || (isConfig ? isMap(contents) : isSeq(contents))) return []
  return wrong(isConfig ? 'must be a mapping under #cloud-config, as packages: [git]' : 'must be a list under #cloud-config-archive')
}
