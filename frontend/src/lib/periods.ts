/** Months, quarters and years as the node names them, and the shapes of period figures (docs/periods-api.md). */

import { unitText, waterClass, type Lang } from './format'

export const SUBJECTS = ['air', 'water', 'noise'] as const
export type Subject = (typeof SUBJECTS)[number]
export const KINDS = ['month', 'quarter', 'year', 'ytd'] as const
export type Kind = (typeof KINDS)[number]

export interface PeriodFigure {
  id: string
  zh: string
  en: string
  figure: string | null
  figure_en?: string
  unit: string
  limit: string | null
  status: string | null
  before: string | null
  before_en?: string
  change: string | null
  change_unit: string
  change_percent: string | null
  better: boolean | null
  reason_zh: string
  reason_en: string
}

export interface PeriodRow {
  site: string
  name: string
  status: string
  level: number | null
  label_zh: string
  label_en: string
  before_level: number | null
  before_label_zh: string
  before_label_en: string
  deciding_zh: string
  deciding_en: string
  valid_days: number
  valid_nights?: number
  days: number
  values: Record<string, string | null>
  before_values?: Record<string, string | null>
  reason_zh: string
  reason_en: string
  sentence_zh: string
  sentence_en: string
  [more: string]: any
}

export interface PeriodAnswer {
  subject: Subject
  scope: { id: string; kind: string; zh: string; en: string }
  period: { kind: Kind; at: string; zh: string; en: string; closed: boolean; days: number }
  before: { at: string; zh: string; en: string }
  edition: { on: string; zh: string; en: string; note_zh: string; note_en: string }
  figures: PeriodFigure[]
  rows: PeriodRow[]
  units: { asked: number; valid: number; left_out: { id: string; zh: string; en: string; reason_zh: string; reason_en: string }[] }
  levels?: { level: number; zh: string; en: string; days: number; before: number }[]
  classes?: { level: number; zh: string; en: string; sections: number; before: number }[]
  zones?: any[]
  rests_on: { verdicts: number; before: number }
  sentence_zh: string
  sentence_en: string
  change_zh: string
  change_en: string
}

export interface DayRow {
  verdict: number
  site: string
  name: string
  date: string
  start: number
  status: string
  level: number | null
  figure: string | null
  label_zh: string
  label_en: string
  judge?: string
  counts?: boolean
  why_not_zh?: string
  why_not_en?: string
  values: Record<string, string>
}

export interface ScopeRow {
  id: string
  kind: string
  zh: string
  en: string
  sites: number
}

export interface SubjectRow {
  subject: Subject
  scopes: ScopeRow[]
  first: string | null
  last: string | null
  newest: Record<string, string>
}

const two = (n: number) => String(n).padStart(2, '0')

/** The period of `kind` that many steps from `at`; a running year steps by months. */
export function stepped(kind: Kind, at: string, by: number): string {
  const year = Number(at.slice(0, 4))
  if (kind === 'year') return String(year + by)
  if (kind === 'quarter') {
    const n = year * 4 + Number(at.slice(-1)) - 1 + by
    return `${Math.floor(n / 4)}-Q${(n % 4) + 1}`
  }
  const n = year * 12 + Number(at.slice(5, 7)) - 1 + by
  return `${Math.floor(n / 12)}-${two((n % 12) + 1)}`
}

/** The period of `kind` that holds the end of the period `at` of another kind. */
export function converted(from: Kind, at: string, to: Kind): string {
  const year = at.slice(0, 4)
  const month = from === 'year' ? 12 : from === 'quarter' ? Number(at.slice(-1)) * 3 : Number(at.slice(5, 7))
  if (to === 'year') return year
  if (to === 'quarter') return `${year}-Q${Math.ceil(month / 3)}`
  return `${year}-${two(month)}`
}

/** `2026年10月`, `2026年第四季度`, `2026年1—10月`. */
export function periodName(kind: Kind, at: string, lang: Lang): string {
  const year = at.slice(0, 4)
  const month = Number(at.slice(5, 7))
  if (lang === 'en') return kind === 'ytd' ? `Jan–${at.slice(5, 7)} ${year}` : at
  if (kind === 'year') return `${year}年`
  if (kind === 'quarter') return `${year}年第${'一二三四'[Number(at.slice(-1)) - 1]}季度`
  return kind === 'ytd' && month > 1 ? `${year}年1—${month}月` : `${year}年${month}月`
}

/** Periods of `kind` from the first to the last day with data, newest first. */
export function choices(kind: Kind, first: string | null, last: string | null): string[] {
  if (!first || !last) return []
  const end = converted('month', first.slice(0, 7), kind)
  const found: string[] = []
  for (let at = converted('month', last.slice(0, 7), kind); at >= end && found.length < 240; at = stepped(kind, at, -1)) found.push(at)
  return found
}

/** A figure of a subject as text: classes as numerals, everything else as printed. */
export function figureText(one: Pick<PeriodFigure, 'id' | 'figure' | 'figure_en'>, lang: Lang): string {
  if (one.figure === null || one.figure === undefined) return '—'
  if (one.id === 'class') return waterClass(one.figure, lang)
  return (lang === 'en' && one.figure_en) || one.figure
}

const DAY_WORDS: Record<Lang, string> = { zh: '天', en: 'd' }
export const periodUnit = (unit: string, lang: Lang): string => (unit === 'd' ? DAY_WORDS[lang] : unitText(unit))

/** The last month of a period that has begun by `newest`. */
export function lastMonth(kind: Kind, at: string, newest: string | undefined): string {
  const month = converted(kind, at, 'month')
  return newest && newest < month ? newest : month
}

/** `+7.1 百分点`, `-2 µg/m³ (-6.7%)`; empty when there is nothing to compare. */
export function changeText(one: PeriodFigure, lang: Lang): string {
  if (one.change === null) return ''
  if (Number(one.change) === 0) return lang === 'zh' ? '同比持平' : 'unchanged'
  const unit = one.change_unit === '百分点' ? (lang === 'zh' ? '百分点' : 'points') : periodUnit(one.change_unit, lang)
  const share = one.change_percent !== null && !one.change_unit.startsWith('dB') ? ` (${one.change_percent}%)` : ''
  return `${one.change} ${unit}`.trim() + share
}

/** Which judge's colours a subject's levels have. */
export const judgeOf: Record<Subject, string> = { air: 'air.aqi_day', water: 'water.section_class_day', noise: 'noise.zone_day' }

/** A row's verdict is on the whole period: of air it attains or exceeds, of water it is a class. */
export const rowJudgeOf: Record<Subject, string> = { ...judgeOf, air: 'noise.attains' }

export interface ColumnSpec {
  id: string
  head: [string, string]
  unit?: string
}

/** Figures of a row that the table of units shows. */
export const COLUMNS: Record<Subject, ColumnSpec[]> = {
  air: [
    { id: 'good_ratio', head: ['优良率 %', 'Good %'] },
    { id: 'pm2_5.mean', head: ['PM2.5', 'PM2.5'] },
    { id: 'pm10.mean', head: ['PM10', 'PM10'] },
    { id: 'so2.mean', head: ['SO2', 'SO2'] },
    { id: 'no2.mean', head: ['NO2', 'NO2'] },
    { id: 'co.p95', head: ['CO', 'CO'] },
    { id: 'o3.p90', head: ['O3-8h', 'O3-8h'] },
    { id: 'composite', head: ['综合指数', 'Index'] },
  ],
  water: [
    { id: 'do', head: ['溶解氧', 'DO'] },
    { id: 'cod_mn', head: ['高锰酸盐指数', 'CODMn'] },
    { id: 'nh3_n', head: ['氨氮', 'NH3-N'] },
    { id: 'tp', head: ['总磷', 'TP'] },
  ],
  noise: [
    { id: 'ld', head: ['昼间 dB(A)', 'Day dB(A)'] },
    { id: 'ln', head: ['夜间 dB(A)', 'Night dB(A)'] },
    { id: 'day_rate', head: ['昼间达标 %', 'Day met %'] },
    { id: 'night_rate', head: ['夜间达标 %', 'Night met %'] },
  ],
}

/** Figures that the chart of months can draw, the first one at first. */
export const DRAWN: Record<Subject, string[]> = {
  air: ['pm2_5.mean', 'good_ratio', 'pm10.mean', 'o3.p90', 'no2.mean', 'so2.mean', 'co.p95', 'composite', 'heavy_days'],
  water: ['good_ratio', 'target_ratio', 'worse_ratio', 'class', 'sections'],
  noise: ['night_rate', 'day_rate', 'ld', 'ln'],
}
