/** The one why-drawer of the page: anything may ask it to show what a figure rests on. */

import { shallowRef } from 'vue'
import type { Query } from './api'

export interface Fact {
  label: string
  value: string
}

export interface WhyRequest {
  title: string
  url: string
  query?: Query
  figure?: string
  unit?: string
  facts?: Fact[]
}

export const asked = shallowRef<WhyRequest | null>(null)

export function openWhy(request: WhyRequest): void {
  asked.value = request
}

export function whyVerdict(id: number | string | null | undefined, title: string, more: Partial<WhyRequest> = {}): void {
  if (id) openWhy({ title, url: `/api/verdicts/${id}/why`, ...more })
}

export function whyReading(series: number, time: number, seq: number | undefined, title: string, more: Partial<WhyRequest> = {}): void {
  openWhy({ title, url: '/api/readings/why', query: { series, time, seq }, ...more })
}
