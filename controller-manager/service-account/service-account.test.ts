import { expect, it } from 'vitest'
import { isNotFound } from '../../lib/api/api-error.js'
import { Namespace } from '../../lib/api/kinds/namespace.js'
import { ServiceAccount } from '../../lib/api/kinds/service-account.js'
import { controlledCluster } from '../fixtures/controlled-cluster.js'

it('each namespace has the ServiceAccount default, again when it was deleted, and loses it when it goes', async () => {
  await using cluster = await controlledCluster({ only: ['service-account', 'namespace-deletion'] })
  const { admin, until } = cluster
  const at = { namespace: 'team', name: 'default' }
  for (const namespace of ['default', 'kube-system'])
    await until(() =>
      admin
        .of(ServiceAccount)
        .get({ ...at, namespace })
        .then(
          () => true,
          () => false,
        ),
    )
  await admin.of(Namespace).create({ metadata: { name: 'team' }, spec: {} })
  const present = () =>
    admin
      .of(ServiceAccount)
      .get(at)
      .then(
        ({ metadata }) => metadata.uid,
        () => undefined,
      )
  await until(async () => (await present()) !== undefined)
  const first = await present()
  await admin.of(ServiceAccount).delete(at)
  await until(async () => ![undefined, first].includes(await present()))
  await admin.of(Namespace).delete({ name: 'team' })
  await until(() =>
    admin
      .of(Namespace)
      .get({ name: 'team' })
      .then(() => false, isNotFound),
  )
  expect(await present()).toBeUndefined()
})
