import { expect, it } from 'vitest'
import { useSameMatter, withSite } from '../src/lib/intake'

it('a site is chosen with its enterprise, and taken back', () => {
  const a = { id: 'a', enterprise: 'works' }
  const one = withSite({ title: 'x' }, a)
  expect(one).toEqual({ title: 'x', site: 'a', enterprise: 'works' })
  expect(withSite(one, { id: 'b' })).toEqual({ title: 'x', site: 'b', enterprise: null })
  expect(withSite(one, a)).toEqual({ title: 'x', site: null, enterprise: null })
})

it('the same matter is of the place that was asked for last', async () => {
  const answers: ((found: any) => void)[] = []
  const { near, same, look } = useSameMatter(() => new Promise((done) => answers.push(done)))
  const first = look({ kind: 'odour', lon: 106, lat: 29 })
  const second = look({ kind: 'odour', lon: 107, lat: 29 })
  answers[1]({ items: [{ id: 'there' }], km: 1, days: 30 })
  await second
  answers[0]({ items: [{ id: 'here' }], km: 1, days: 30 })
  await first
  expect(near.value.map((one) => one.id)).toEqual(['there'])
  same.value = near.value[0]
  void look({ kind: 'odour', lon: 108, lat: 29 })
  expect([same.value, near.value]).toEqual([null, []])
  await look(null)
  answers[2]({ items: [{ id: 'late' }], km: 1, days: 30 })
  await Promise.resolve()
  expect(near.value).toEqual([])
})
