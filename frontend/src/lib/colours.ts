/** What colours and shapes mean. Classes: water-quality evaluation colours; AQI levels: HJ 633 colours. */

import type { SiteDot } from './api'

/** 《地表水环境质量评价办法》: Ⅰ–Ⅱ blue, Ⅲ green, Ⅳ yellow, Ⅴ orange, worse than Ⅴ red. */
const WATER: Record<number, string> = {
  1: '#1d8bd8', 2: '#1d8bd8', 3: '#22a559', 4: '#f4d01c', 5: '#f58a1f', 6: '#d92b2b',
}

/** HJ 633: excellent, good, light, moderate, heavy, severe. */
const AIR: Record<number, string> = {
  1: '#00e400', 2: '#ffff00', 3: '#ff7e00', 4: '#ff0000', 5: '#99004c', 6: '#7e0023',
}

const OUTLET = { attains: '#4f9d86', exceeds: '#d92b2b', cannot: '#8a949c' }
const SILENT = '#8a949c'
const UNKNOWN = '#b3bbc1'

export type Family = 'water' | 'air' | 'outlet' | 'other'

export function family(kind: string): Family {
  if (kind.startsWith('water_outlet') || kind === 'stack_outlet' || kind === 'river_outlet') return 'outlet'
  if (kind.startsWith('water')) return 'water'
  if (kind.startsWith('air')) return 'air'
  return 'other'
}

export type Shape = 'circle' | 'small-circle' | 'square' | 'small-square' | 'triangle' | 'down' | 'diamond' | 'hexagon'

const SHAPES: Record<string, Shape> = {
  water_section: 'circle', water_micro: 'small-circle', air_station: 'square', air_micro: 'small-square',
  stack_outlet: 'triangle', water_outlet: 'down', river_outlet: 'diamond', noise_station: 'hexagon', noise_boundary: 'hexagon',
}

export const shape = (kind: string): Shape => SHAPES[kind] ?? 'hexagon'

/** Colour of a level given by a judge of the kind's family. */
export function levelColour(kindOrJudge: string, level: number | null | undefined): string {
  if (level === null || level === undefined) return UNKNOWN
  if (kindOrJudge.startsWith('air')) return AIR[level] ?? UNKNOWN
  if (kindOrJudge.startsWith('emission') || kindOrJudge.startsWith('noise') || family(kindOrJudge) === 'outlet') {
    return level >= 5 ? OUTLET.exceeds : OUTLET.attains
  }
  return WATER[level] ?? UNKNOWN
}

export function siteColour(site: Pick<SiteDot, 'kind' | 'status' | 'level'>): string {
  if (site.status === 'silent') return SILENT
  if (site.level === null || site.level === undefined) return site.status === 'bad' ? OUTLET.exceeds : UNKNOWN
  return levelColour(site.kind, site.level)
}

const DEFAULT_TARGET = 3 // class III, where a section has no target of its own

/** How a site stands after a verdict, as the node's overview says it: one class beyond the target warns, AQI level 3 warns. */
export function statusOf(site: Pick<SiteDot, 'kind' | 'target_class'>, verdict: { judge: string; status: string; level: number | null }): SiteDot['status'] {
  if (verdict.level === null || verdict.level === undefined || verdict.status === 'cannot_judge') return 'unknown'
  const group = family(site.kind)
  if (group === 'water') {
    const beyond = verdict.level - (site.target_class ?? DEFAULT_TARGET)
    return beyond <= 0 ? 'ok' : beyond <= 1 ? 'warn' : 'bad'
  }
  if (group === 'air') return verdict.level >= 4 ? 'bad' : verdict.level >= 3 ? 'warn' : 'ok'
  if (verdict.status === 'attains') return 'ok'
  return verdict.judge === 'emission.outlet_now' ? 'warn' : 'bad'
}

/** Black or white, whichever reads better on `colour` (WCAG relative luminance). */
export function inkOn(colour: string): string {
  const value = colour.replace('#', '')
  const part = (i: number) => {
    const c = parseInt(value.slice(i, i + 2), 16) / 255
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  }
  const light = 0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
  return light > 0.1791 ? '#000000' : '#ffffff'
}

/** Worst first: what should lie on top. */
export function weight(site: Pick<SiteDot, 'kind' | 'status' | 'level'>): number {
  const base = { bad: 40, warn: 30, silent: 20, ok: 10, unknown: 5 }[site.status] ?? 0
  return base + (site.level ?? 0) + (family(site.kind) === 'outlet' ? 0 : 2)
}

export interface LegendRow {
  colour: string
  zh: string
  en: string
}

export const WATER_LEGEND: LegendRow[] = [
  { colour: WATER[2], zh: 'Ⅰ–Ⅱ类', en: 'I–II' }, { colour: WATER[3], zh: 'Ⅲ类', en: 'III' },
  { colour: WATER[4], zh: 'Ⅳ类', en: 'IV' }, { colour: WATER[5], zh: 'Ⅴ类', en: 'V' }, { colour: WATER[6], zh: '劣Ⅴ类', en: '>V' },
]
export const AIR_LEGEND: LegendRow[] = [
  { colour: AIR[1], zh: '优', en: 'Excellent' }, { colour: AIR[2], zh: '良', en: 'Good' },
  { colour: AIR[3], zh: '轻度', en: 'Light' }, { colour: AIR[4], zh: '中度', en: 'Moderate' },
  { colour: AIR[5], zh: '重度', en: 'Heavy' }, { colour: AIR[6], zh: '严重', en: 'Severe' },
]
export const OUTLET_LEGEND: LegendRow[] = [
  { colour: OUTLET.attains, zh: '达标', en: 'Attains' }, { colour: OUTLET.exceeds, zh: '超标', en: 'Exceeds' },
  { colour: SILENT, zh: '失联', en: 'Silent' }, { colour: UNKNOWN, zh: '无评价', en: 'Not judged' },
]

/** SVG path of a shape in a 20 × 20 box. */
export function shapePath(s: Shape): string {
  switch (s) {
    case 'circle': return 'M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14Z'
    case 'small-circle': return 'M10 5.200a4.800 4.800 0 1 0 0 9.600a4.800 4.800 0 1 0 0-9.600Z'
    case 'square': return 'M4 4h12v12H4Z'
    case 'small-square': return 'M5.800 5.800h8.400v8.400H5.800Z'
    case 'triangle': return 'M10 3.500L16.500 15.500H3.500Z'
    case 'down': return 'M10 16.500L3.500 4.500H16.500Z'
    case 'diamond': return 'M10 2.500L17 10L10 17.500L3 10Z'
    default: return 'M6 3.500h8l4 6.500l-4 6.500H6l-4-6.500Z'
  }
}
