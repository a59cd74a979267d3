/** A value of a declared field in words. */
import { said } from '../lib/i18n'
import { saysUnit } from '../lib/fields'
import { moment } from '../lib/format'
import { day, type Field } from './state'
import { w } from './words'

export function shownValue(field: Field | undefined, value: any): string {
  if (value === null || value === undefined || value === '') return '—'
  if (Array.isArray(value)) return field?.kind === 'file' ? `${value.length}` : field?.kind === 'json' ? `${value.length}` : value.map((one) => shownValue(field, one)).join('、')
  if (!field) return typeof value === 'object' ? JSON.stringify(value) : String(value)
  if (field.kind === 'code') return said(field.codes[value]) || String(value)
  if (field.kind === 'bool') return value === true ? w('yes') : w('no')
  if (field.kind === 'place') return `${Number(value.lon).toFixed(5)}, ${Number(value.lat).toFixed(5)}`
  if (field.kind === 'datetime') return moment(Date.parse(value) / 1000)
  if (field.kind === 'reference') return day.value?.choices[field.to ?? '']?.find((one) => one.id === value)?.name ?? day.value?.sites.find((one) => one.id === value)?.name ?? String(value)
  if (saysUnit(field)) return unitOf(String(value))
  if (typeof value === 'object') return JSON.stringify(value)
  return field.unit ? `${value} ${field.unit}` : String(value)
}

/** Who is in charge, by name where the bundle knows it. */
export const unitOf = (owner: string): string => day.value?.unit_names?.[owner] ?? owner

export const titleOf = (type: string, record: Record<string, any>): string => String(record[day.value?.types[type]?.title ?? 'title'] ?? record.title ?? record.name ?? record.id)
