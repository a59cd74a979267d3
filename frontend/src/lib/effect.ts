/** What works and rectifications brought, as the API tells it: verdicts by the day where they serve, before and after. */
import type { Verdict } from './api'

export interface EffectSpan {
  from: string
  to: string
  windows: number
  judged: number
  attains: number
  worst: number | null
  best: number | null
  last: Verdict | null
  factor: string | null
  figures: { start: number; figure: string; unit: string; status: string }[]
}
export interface Effect {
  site: string
  name: string
  judge: string
  before: EffectSpan
  after: EffectSpan | null
  now: EffectSpan
}
export interface EffectRecovery {
  need: number
  held: boolean
  missing: { zh: string; en: string }[]
}
