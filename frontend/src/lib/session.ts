/** Who is logged in, and who has yet to set a password or a second factor before anything else. */

import { ref } from 'vue'
import { ApiError, session as api, setCsrf, type SessionInfo } from './api'

export const me = ref<SessionInfo | null>(null)
/** Logged in, but free to do nothing but what `must` says. */
export const bound = ref<SessionInfo | null>(null)
let asked: Promise<void> | null = null

export function take(found: SessionInfo | null): void {
  me.value = found?.must ? null : found
  bound.value = found?.must ? found : null
  setCsrf(found?.csrf ?? '')
}

/** Ask once whether a session holds; unreachable counts as not known and is asked again. */
export function ensureSession(): Promise<void> {
  if (me.value) return Promise.resolve()
  asked ??= api
    .get()
    .then(take)
    .catch((wrong) => {
      if (wrong instanceof ApiError && wrong.status === 401) take(null)
      else throw wrong
    })
    .finally(() => {
      asked = null
    })
  return asked
}

export async function logIn(name: string, password: string, code = ''): Promise<void> {
  take(await api.open(name, password, code))
}

/** The session is kept here while the node keeps it: else its cookie would silently log in again. */
export async function logOut(): Promise<void> {
  try {
    await api.close()
  } catch (wrong) {
    if (!(wrong instanceof ApiError && wrong.status === 401)) throw wrong // 401: the node has no such session any more
  }
  take(null)
}

export function forget(): void {
  take(null)
}
