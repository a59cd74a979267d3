import { expect, it } from 'vitest'
import { ApiError } from '../src/lib/api'
import { useLoad } from '../src/lib/load'

const fails = () => Promise.reject(new ApiError(500, 'internal', 'no'))

it('a refresh that fails keeps what is shown', async () => {
  let answer = () => Promise.resolve('rows')
  const { data, error, load } = useLoad(() => answer())
  await load()
  answer = fails
  await load(true)
  expect([data.value, error.value]).toEqual(['rows', null])
})

it('a new question that fails says so', async () => {
  let answer = () => Promise.resolve('rows')
  const { error, load } = useLoad(() => answer())
  await load()
  answer = fails
  await load()
  expect(error.value?.status).toBe(500)
  await load(true)
  expect(error.value?.status).toBe(500)
})

it('a refresh does not hide that the question before it has no answer', async () => {
  let answer: () => Promise<string> = () => Promise.resolve('rows of one filter')
  const { error, load } = useLoad(() => answer())
  await load()
  let refuse: (why: unknown) => void = () => {}
  answer = () => new Promise((_, no) => (refuse = no))
  const asked = load()
  answer = fails
  await load(true)
  refuse(new ApiError(500, 'internal', 'no'))
  await asked
  expect(error.value?.status).toBe(500)
})
