/** A value of any shape as a short text a person can read. */

import { lang, said, t } from './i18n'

/** Corners or stops as [longitude, latitude, …]; null: the value is no such list. */
export function pointsOf(value: any): [number, number][] | null {
  if (!Array.isArray(value) || value.length < 2) return null
  const found = value.map((one) => (Array.isArray(one) && one.length >= 2 ? [Number(one[0]), Number(one[1])] : [NaN, NaN]))
  return found.every(([lon, lat]) => Math.abs(lon!) <= 180 && Math.abs(lat!) <= 90) ? (found as [number, number][]) : null
}

export function factValue(value: any): string {
  if (value === null || value === undefined || value === '') return '—'
  if (typeof value === 'boolean') return value ? t('common.yes') : t('common.no')
  const stops = pointsOf(value)
  if (stops) return t('map.points', { n: stops.length })
  if (Array.isArray(value)) return value.length ? value.map(factValue).join(lang.value === 'zh' ? '、' : ', ') : t('common.none')
  if (typeof value === 'object') {
    if ('zh' in value && 'en' in value) return said(value)
    if ('lon' in value && 'lat' in value) return `${Number(value.lon).toFixed(5)}, ${Number(value.lat).toFixed(5)}`
    if ('text' in value) return String(value.text)
    return Object.entries(value)
      .map(([name, one]) => `${name}: ${factValue(one)}`)
      .join(' · ')
  }
  return String(value)
}
