/** What the node said against a new password or a code, in the page's own words. */

import { ApiError } from './api'
import { t } from './i18n'

const PASSWORD = [
  ['too short', 'account.password.short'],
  ['too simple', 'account.password.simple'],
  ["account's name", 'account.password.name'],
  ['used before', 'account.password.used'],
] as const

export function waiting(error: unknown): string {
  if (!(error instanceof ApiError)) return t('state.error')
  if (error.status === 429) return t('login.wait', { s: error.body?.retry_after ?? '' })
  return error.status === 0 ? t('state.unreachable') : error.message
}

export function passwordRefused(error: unknown): string {
  if (!(error instanceof ApiError)) return t('state.error')
  if (error.status === 401) return t('account.password.wrong')
  const known = PASSWORD.find(([said]) => error.message.includes(said))
  return known ? t(known[1], { n: /\d+/.exec(error.body?.hint ?? '')?.[0] ?? '' }) : waiting(error)
}

export function codeRefused(error: unknown): string {
  const wrong = error instanceof ApiError && (error.status === 422 || error.status === 403)
  return wrong ? t('account.factor.wrong') : waiting(error)
}
