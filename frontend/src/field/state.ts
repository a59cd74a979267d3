/** What the field page knows: who, the day, the queue. Everything shown is on the phone; the network only renews it. */
import { computed, ref, shallowRef } from 'vue'
import type { FieldSpec, StepSpec, Words } from '../lib/api'
import * as box from './box'
import type { Photo, Queued, Sent } from './box'
import { w } from './words'

export interface Step extends StepSpec {
  only?: string
}
export interface Item {
  type: string
  record: Record<string, any>
  mine: 'me' | 'unit' | ''
  steps: Step[]
}
export interface Declared extends Words {
  id: string
  title: string
  listed: string[]
  owner: string
  jurisdiction: string
  fields: (Omit<FieldSpec, 'codes'> & { codes: Record<string, Words> })[]
  procedure: null | { initial: string; states: Record<string, Words>; transitions: Step[] }
}
export type Field = Declared['fields'][number]
export interface Day {
  now: number
  person: { name: string; roles: string[]; unit: string; units: string[] }
  defaults: { jurisdiction: string; owner: string }
  types: Record<string, Declared>
  entries: string[]
  editable: string[]
  items: Item[]
  choices: Record<string, { id: string; name: string }[]>
  unit_names?: Record<string, string>
  sites: { id: string; name: string; kind: string; lon: number | null; lat: number | null }[]
  limits: { bytes: number }
  taken_at?: number // [ms] this phone's clock
}

export const day = shallowRef<Day | null>(null)
/** `csrf` names the session, so that logging out can close this one and no later one. */
export interface Person {
  name: string
  roles: string[]
  csrf?: string
}
export const person = ref<Person | null>(null)
/** Logged out here, but the node has not heard of it. */
export const leaving = ref(false)
export const rows = ref<Queued[]>([])
export const photos = shallowRef<Map<string, Photo>>(new Map())
export const device = ref('')
export const trouble = ref('')

/** Say that the phone could not keep something. */
export function unkept(wrong: unknown): void {
  trouble.value = wrong instanceof DOMException && wrong.name === 'QuotaExceededError' ? w('storage.full') : String(wrong)
}

/** 64 characters at most, of letters, digits and hyphens: ids of edits, records and files are made here, not by the node. */
export function newId(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  return [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, '0')).join('')
}

export const nowUs = () => Date.now() * 1000

export async function wake(): Promise<void> {
  try {
    device.value = (await box.kept<string>('device')) ?? ''
    if (!device.value) {
      device.value = newId()
      await box.keep('device', device.value)
    }
    person.value = (await box.kept<Person>('person')) ?? null
    day.value = (await box.kept<Day>('day')) ?? null
    leaving.value = (await box.kept<string>('leaving')) !== undefined
    await recall()
  } catch (wrong) {
    unkept(wrong)
  }
}

/** What the phone has, read anew. */
export async function recall(): Promise<void> {
  rows.value = (await box.queue()).sort((a, b) => a.n - b.n)
  photos.value = new Map((await box.photos()).map((one) => [one.id, one]))
}

export const mineRows = computed(() => rows.value.filter((one) => one.actor === person.value?.name))
export const openRows = computed(() => mineRows.value.filter((one) => one.state === 'waiting' || one.state === 'conflict' || one.state === 'refused'))
export const waitingRows = computed(() => mineRows.value.filter((one) => one.state === 'waiting'))
export const otherRows = computed(() => rows.value.filter((one) => one.actor !== person.value?.name && one.state !== 'done' && one.state !== 'dropped'))

const rowsOf = (type: string, id: string) => openRows.value.filter((one) => one.edit.type === type && one.edit.id === id)

/** An edit that this one must come after: the last of the same record that is not through. */
function before(type: string, id: string): Queued | undefined {
  return rowsOf(type, id).at(-1)
}

export function uploadsOf(edit: Sent): string[] {
  return Object.values(edit.data).flat().filter((one): one is string => typeof one === 'string' && one.startsWith('upload:')).map((one) => one.slice('upload:'.length))
}

export async function addEdit(given: { op: Sent['op']; type: string; id: string; data: Record<string, any>; step?: string; title: string; what: string; base: Record<string, any> | null }, taken: Photo[]): Promise<void> {
  const last = before(given.type, given.id)
  const edit: Sent = {
    device: device.value, key: newId(), op: given.op, type: given.type, id: given.id, at: nowUs(), data: given.data, step: given.step ?? '',
    version: given.op === 'create' || last ? null : (given.base?.version ?? null), after: last?.edit.key ?? '', note: '',
  }
  await box.enqueue({ actor: person.value!.name, state: 'waiting', edit, title: given.title, what: given.what, base: given.base, error: null, answer: null, tries: 0 }, taken)
  trouble.value = '' // it can be kept again
  await recall()
  void navigator.storage?.persist?.()
}

/** The record as it will be once the queue is through. */
export function shown(item: Item): Item & { pending: Queued[] } {
  const pending = rowsOf(item.type, item.record.id)
  const record = { ...item.record }
  for (const one of pending) overlay(record, one, item.type)
  return { ...item, record, pending, steps: stepsAt(item, record, pending.length > 0) }
}

function overlay(record: Record<string, any>, row: Queued, type: string): void {
  if (row.edit.op !== 'step') Object.assign(record, row.edit.data)
  else {
    const step = day.value?.types[type]?.procedure?.transitions.find((one) => one.name === row.edit.step)
    if (step?.target) setState(record, type, step.target)
  }
}

function setState(record: Record<string, any>, type: string, state: string): void {
  const words = day.value?.types[type]?.procedure?.states[state]
  Object.assign(record, { state, state_zh: words?.zh ?? state, state_en: words?.en ?? state })
}

/** The node says which steps there are; after steps that only the phone knows of, the declaration does. */
function stepsAt(item: Item, record: Record<string, any>, changed: boolean): Step[] {
  if (!changed && item.steps.length) return item.steps
  const roles = new Set(person.value?.roles ?? [])
  const all = day.value?.types[item.type]?.procedure?.transitions ?? []
  return all.filter((one) => one.sources?.includes(record.state) && one.by?.some((role) => roles.has(role) || roles.has('admin')))
    .map((one) => ({ ...one, allowed: true, missing: [] }))
}

/** All work: the day's items, and what was made on this phone and is not there yet. */
export const items = computed(() => {
  const known = day.value?.items ?? []
  const seen = new Set(known.map((one) => `${one.type}/${one.record.id}`))
  const made = openRows.value
    .filter((one) => one.edit.op === 'create' && !seen.has(`${one.edit.type}/${one.edit.id}`) && day.value?.types[one.edit.type])
    .map((one): Item => {
      const record: Record<string, any> = { ...one.edit.data, id: one.edit.id, version: null, created_at: one.edit.at }
      setState(record, one.edit.type, day.value!.types[one.edit.type]!.procedure?.initial ?? '')
      return { type: one.edit.type, record, mine: 'me', steps: [] }
    })
  return [...made, ...known].map(shown)
})

/** After an answer: the day's copy says what the node has now. */
export async function remember(row: Queued): Promise<void> {
  const now = day.value
  if (!now || !row.answer) return
  const changed = now.items.map((one) => {
    if (one.type !== row.edit.type || one.record.id !== row.edit.id) return one
    const record: Record<string, any> = { ...one.record, version: row.answer!.version, ...(row.edit.op === 'step' ? {} : row.edit.data) }
    if (row.answer!.state) setState(record, one.type, row.answer!.state)
    return { ...one, record, steps: row.answer!.state === one.record.state ? one.steps : [] }
  })
  if (row.edit.op === 'create' && now.types[row.edit.type]?.procedure && !changed.some((one) => one.record.id === row.edit.id)) {
    const record: Record<string, any> = { ...row.edit.data, id: row.edit.id, version: row.answer.version, created_at: row.answer.received_at }
    setState(record, row.edit.type, row.answer.state)
    changed.unshift({ type: row.edit.type, record, mine: 'me', steps: [] })
  }
  await takeDay({ ...now, items: changed })
}

export async function takeDay(found: Day): Promise<void> {
  day.value = found
  await box.keep('day', found)
}
