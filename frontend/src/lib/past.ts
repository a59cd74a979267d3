/** Looking back: the moment whose knowledge the pages show; null is now. It is kept in the address (`as_of`), so that a
 *  link shows the same past, and only pages that can answer of a moment keep it: going elsewhere leads back to now. */

import { computed, ref } from 'vue'
import type { RouteLocationNormalized, RouteLocationRaw } from 'vue-router'

/** Names of routes that can answer of a moment. */
const PAGES = new Set(['duty', 'site', 'alarms', 'cases', 'case'])
const ASKED = /^\/api\/((overview|sites|alarms|cases|verdicts|readings\/why|export)(\/|\?|$)|records\/case(\?|$))/

/** As the node takes it: China's clock, 2026-11-22T08:00. */
export const asOf = ref<string | null>(null)
/** The same in seconds. */
export const pastSeconds = computed(() => (asOf.value === null ? null : secondsOf(asOf.value)))

export function secondsOf(text: string): number | null {
  if (/^\d{9,18}$/.test(text)) return text.length > 13 ? Number(text) / 1e6 : Number(text)
  const at = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}+08:00`)
  return Number.isNaN(at) ? null : at / 1000
}

/** What a date-time input shows for an instant. [s] */
export function localText(at: number): string {
  return new Date((at + 8 * 3600) * 1000).toISOString().slice(0, 19)
}

/** The address of a question, with the moment where the node answers of one. */
export function atMoment(url: string): string {
  if (asOf.value === null || !ASKED.test(url) || /[?&]as_of=/.test(url)) return url
  return `${url}${url.includes('?') ? '&' : '?'}as_of=${encodeURIComponent(asOf.value)}`
}

const text = (value: unknown): string | null => (typeof value === 'string' && secondsOf(value) !== null ? value : null)

/** For the router: carry the moment from page to page, and drop it where it means nothing. */
export function carried(to: RouteLocationNormalized, from: RouteLocationNormalized): RouteLocationRaw | null {
  const keeps = PAGES.has(String(to.name))
  if (!keeps && to.query.as_of !== undefined) {
    const { as_of: _, ...query } = to.query
    return { path: to.path, query, hash: to.hash }
  }
  const moment = text(from.query.as_of)
  if (!keeps || moment === null || to.query.as_of !== undefined || to.path === from.path) return null
  return { path: to.path, query: { ...to.query, as_of: moment }, hash: to.hash }
}

/** For the router: the page that is shown now. */
export function arrived(to: RouteLocationNormalized): void {
  asOf.value = PAGES.has(String(to.name)) ? text(to.query.as_of) : null
}
