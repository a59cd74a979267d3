/** Intake of a complaint: the site it is about, and whether the same matter was told before. */

import { ref } from 'vue'
import { items, type RecordRow } from './api'

/** Choosing a site says its enterprise too, or that it has none; choosing it again takes both back. */
export function withSite(data: Record<string, any>, site: { id: string; enterprise?: string | null }): Record<string, any> {
  const chosen = data.site !== site.id
  return { ...data, site: chosen ? site.id : null, enterprise: chosen ? (site.enterprise ?? null) : null }
}

export interface Spot {
  kind: string
  lon: number
  lat: number
}

/** Complaints that may be the same matter, by the rule of the house; a choice holds for the place it was made for. */
export function useSameMatter(ask: (spot: Spot) => Promise<any>) {
  const near = ref<RecordRow[]>([])
  const same = ref<RecordRow | null>(null)
  const within = ref<{ km: string | number; days: string | number }>({ km: '', days: '' })
  let latest = 0

  async function look(spot: Spot | null): Promise<void> {
    const mine = ++latest
    near.value = []
    same.value = null
    if (!spot) return
    const found = await ask(spot).catch(() => null)
    if (mine !== latest) return // the pin was moved meanwhile
    near.value = items<RecordRow>(found ?? [])
    if (found) within.value = { km: found.km, days: found.days }
  }
  return { near, same, within, look }
}
