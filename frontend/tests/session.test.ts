import { beforeEach, expect, it } from 'vitest'
import { logOut, me, take } from '../src/lib/session'
import { node } from './setup'

beforeEach(() => take({ name: 'li', roles: [], csrf: 'c' }))

it.each([
  ['a gateway that does not reach the node', [502, 'Bad Gateway']],
  ['no network', 'down'],
] as const)('a log-out with %s keeps the session and fails aloud', async (_, answer) => {
  node({ 'DELETE /api/session': answer as any })
  await expect(logOut()).rejects.toThrow()
  expect(me.value?.name).toBe('li')
})

it.each([
  ['done', [204, null]],
  ['of a session that had ended', [401, { error: { code: 'not-logged-in', message: 'log in' } }]],
] as const)('a log-out %s leaves nobody logged in', async (_, answer) => {
  node({ 'DELETE /api/session': answer as any })
  await logOut()
  expect(me.value).toBeNull()
})
