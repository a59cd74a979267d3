/** Names of sites and words of factors, asked for once and kept while the page lives. */

import { reactive, shallowRef } from 'vue'
import { ApiError, get, items, type FactorSpec } from './api'
import { said } from './i18n'

interface SiteName {
  name: string
  kind: string
}

const sites = reactive(new Map<string, SiteName>())
const factors = shallowRef(new Map<string, FactorSpec>())
let sitesAsked: Promise<void> | null = null
let factorsAsked: Promise<void> | null = null

export function rememberSites(rows: { id: string; name: string; kind: string }[]): void {
  for (const row of rows) {
    const held = sites.get(row.id)
    if (!held || held.name !== row.name) sites.set(row.id, { name: row.name, kind: row.kind })
  }
}

export function needSites(): Promise<void> {
  if (sites.size > 0) return Promise.resolve()
  sitesAsked ??= get<any>('/api/sites')
    .then((found) => rememberSites(items(found)))
    .catch(() => {})
    .finally(() => {
      sitesAsked = null
    })
  return sitesAsked
}

export function needFactors(): Promise<void> {
  if (factors.value.size > 0) return Promise.resolve()
  factorsAsked ??= get<any>('/api/factors')
    .then((found) => {
      factors.value = new Map(items<FactorSpec>(found).map((one) => [one.id, one]))
    })
    .catch(() => {})
    .finally(() => {
      factorsAsked = null
    })
  return factorsAsked
}

const others = reactive(new Map<string, string>())
const othersAsked = new Set<string>()

/** Name of any record, asked for when first shown; until then its id. */
export function recordName(type: string | undefined, id: string | null | undefined): string {
  if (!id) return '—'
  if (!type || type === 'site') return sites.get(id)?.name ?? id
  const key = `${type}/${id}`
  const known = others.get(key)
  if (known) return known
  if (!othersAsked.has(key)) {
    othersAsked.add(key)
    get<any>(`/api/records/${encodeURIComponent(type)}/${encodeURIComponent(id)}`)
      .then((row) => others.set(key, String(row.name ?? row.title ?? id)))
      .catch((wrong) => {
        if (!(wrong instanceof ApiError) || wrong.status === 0 || wrong.status >= 500) othersAsked.delete(key) // asked again when next shown; else the id stays
      })
  }
  return id
}

export const siteName = (id: string | null | undefined): string => (id ? (sites.get(id)?.name ?? id) : '—')
export const siteKind = (id: string | null | undefined): string => (id ? (sites.get(id)?.kind ?? '') : '')
export const factorSpec = (id: string | null | undefined): FactorSpec | undefined => (id ? factors.value.get(id) : undefined)
export const factorName = (id: string | null | undefined): string => (id ? said(factors.value.get(id)) || id : '—')
export const factorNames = (ids: string[] | null | undefined): string => (ids ?? []).map(factorName).join(' · ')
