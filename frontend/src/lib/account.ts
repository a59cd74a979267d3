/** What the node said against a new password or a code, in the page's own words. */

import { ApiError } from './api'
import { errorWords } from './errors'
import { t } from './i18n'

const PASSWORD = [
  ['too short', 'account.password.short'],
  ['too simple', 'account.password.simple'],
  ["account's name", 'account.password.name'],
  ['used before', 'account.password.used'],
] as const

export function waiting(error: unknown): string {
  return error instanceof ApiError ? errorWords(error) : t('state.error')
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
