/** Supervision: what its pages share. */

import { reactive } from 'vue'
import { get, items, type RecordRow, type Verdict } from './api'
import { seconds } from './format'

export interface Column {
  key: 'confirm' | 'dispatch' | 'accept' | 'acting' | 'verify' | 'observing'
  states: readonly string[]
}

/** Columns of the board, in the order a case goes. */
export const COLUMNS: readonly Column[] = [
  { key: 'confirm', states: ['opened', 'reopened'] },
  { key: 'dispatch', states: ['acknowledged', 'returned'] },
  { key: 'accept', states: ['dispatched'] },
  { key: 'acting', states: ['accepted', 'acting', 'suspended'] },
  { key: 'verify', states: ['reported', 'verified'] },
  { key: 'observing', states: ['observing'] },
]

export const caseTone = (state: string) => (['opened', 'reopened', 'returned'].includes(state) ? 'bad' : state === 'observing' || state === 'verified' ? 'ok' : ['closed', 'merged'].includes(state) ? '' : 'accent')
export const caseDone = (state: string) => ['observing', 'closed', 'merged'].includes(state)

interface Urgent {
  state: string
  overdue?: boolean
  level?: number | null
  deadline?: unknown
}

/** Overdue first, then the worse level, then the nearer deadline. */
export function byUrgency(a: Urgent, b: Urgent): number {
  const late = (one: Urgent) => (one.overdue && !caseDone(one.state) ? 0 : 1)
  return late(a) - late(b) || (a.level ?? 9) - (b.level ?? 9) || (seconds(a.deadline) ?? Infinity) - (seconds(b.deadline) ?? Infinity)
}

export interface Entry {
  text: string
  who: string
  at: unknown
  files: string[]
  more: Record<string, any>
}

/** Lines that a step appends to a list of JSON: what was said, by whom, when, with which files. */
export function entries(list: any): Entry[] {
  return (Array.isArray(list) ? list : []).map((one) => {
    if (typeof one !== 'object' || one === null) return { text: String(one), who: '', at: null, files: [], more: {} }
    const { text, actor, by, at, files, photos, note, ...more } = one
    const value = text ?? one.value ?? note ?? ''
    const held = files ?? photos ?? (Array.isArray(value) ? value : [])
    return { text: Array.isArray(value) ? '' : String(value), who: String(actor ?? by ?? ''), at: at ?? null, files: Array.isArray(held) ? held.map(String) : [], more }
  })
}

/** Every record of a register that a filter names, in pages. */
export async function allOf(type: string, query: Record<string, string | number> = {}, most = 1000): Promise<RecordRow[]> {
  return items<RecordRow>(await get<any>(`/api/records/${encodeURIComponent(type)}`, { limit: most, ...query }))
}

const units = reactive(new Map<string, string>())
let unitsAsked: Promise<void> | null = null

/** The directory of units, once: owners of matters are ids of units, or names as somebody wrote them. */
export function needUnits(): Promise<void> {
  unitsAsked ??= allOf('unit')
    .then((rows) => rows.forEach((one) => units.set(one.id, String(one.name))))
    .catch(() => {
      unitsAsked = null
    })
  return unitsAsked
}

export const unitName = (owner: string | null | undefined): string => (owner ? (units.get(owner) ?? owner) : '')
export const unitList = (): [string, string][] => [...units]
const EARTH_KM = 6371

/** Distance of two places on the ground. [km] */
export function kilometres(a: { lon: number; lat: number }, b: { lon: number; lat: number }): number {
  const r = Math.PI / 180
  const h = Math.sin(((b.lat - a.lat) * r) / 2) ** 2 + Math.cos(a.lat * r) * Math.cos(b.lat * r) * Math.sin(((b.lon - a.lon) * r) / 2) ** 2
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)))
}

const DAY = 86_400

/** Days from one date text to another; negative when the second is earlier. */
export const daysBetween = (from: string, to: string) => Math.round(((seconds(`${to}T00:00:00Z`) ?? 0) - (seconds(`${from}T00:00:00Z`) ?? 0)) / DAY)

/** Lights of rectification, worst first. */
export const LIGHTS = ['red', 'yellow', 'green', 'blue'] as const
export type Light = (typeof LIGHTS)[number]

export interface Branch {
  item: RecordRow
  parts: Branch[]
}

/** Items below their parents, by deadline; one whose parent is not seen, or that is its own ancestor, stands at the top. */
export function branches(rows: RecordRow[]): Branch[] {
  const byParent = new Map<string, RecordRow[]>()
  const known = new Set(rows.map((one) => one.id))
  for (const one of rows) {
    const parent = known.has(one.parent) ? String(one.parent) : ''
    byParent.set(parent, [...(byParent.get(parent) ?? []), one])
  }
  const placed = new Set<string>()
  const grow = (parent: string): Branch[] =>
    (byParent.get(parent) ?? [])
      .filter((one) => !placed.has(one.id) && placed.add(one.id))
      .sort((a, b) => String(a.deadline).localeCompare(String(b.deadline)))
      .map((item) => ({ item, parts: grow(item.id) }))
  const out = grow('')
  for (const one of rows) if (!placed.has(one.id)) out.push({ item: one, parts: (placed.add(one.id), grow(one.id)) })
  return out
}

/** Money done in the year of a day, by that day, as the latest point says; its text. [10k yuan] */
export function newestDone(row: Record<string, any>, today: string): string {
  const own = (Array.isArray(row.done) ? row.done : []).filter((one: any) => String(one.date).slice(0, 4) === today.slice(0, 4) && String(one.date) <= today)
  own.sort((a: any, b: any) => String(a.date).localeCompare(String(b.date)))
  return String(own.at(-1)?.money ?? '0')
}

/** What an enterprise said against a verdict, and the answer, each with its verdict. */
export interface Contest {
  at: number
  by: string
  text: string
  files: string[]
  before: Verdict | null
  reply: { at: number; by: string; text: string; outcome: string; after: Verdict | null } | null
}

export interface Related {
  how: 'merged_from' | 'merged_into' | 'split_from' | 'split_into' | 'previous'
  id: string
  title: string
  state: string
  state_zh?: string
  state_en?: string
}
