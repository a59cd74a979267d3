/** Sends the queue: in order, each edit with its own key, photos in parts from where they were. What fails stays. */
import { computed, ref } from 'vue'
import { ApiError, get, session, setCsrf, type SessionInfo } from '../lib/api'
import { me, take } from '../lib/session'
import * as box from './box'
import type { Queued } from './box'
import { day, mineRows, nowUs, person, photos, recall, remember, rows, takeDay, uploadsOf, waitingRows, type Day } from './state'

const PART = 256 * 1024
const AGAIN_MS = [2_000, 5_000, 15_000, 30_000, 60_000]
const LONGEST_MS = 60_000

export const online = ref(typeof navigator === 'undefined' || navigator.onLine)
export const needLogin = ref(false)
export const sending = ref<number | null>(null) // the row under way
export const lastError = ref<{ code: string; message: string } | null>(null)
export const skew = ref(0) // [s] how far this phone's clock is ahead of the node's

let csrf = ''
let running = false
let asked = false
let misses = 0
let timer: ReturnType<typeof setTimeout> | undefined

class Unreached extends Error {}
class Ended extends Error {}
/** Some edits wait for something of their own. */
class Later extends Error {}
/** An answer that the same question will get again. */
class Refusal extends Error {
  constructor(readonly error: { code: string; message: string; [more: string]: any }) {
    super(error.message)
  }
}

function took(found: SessionInfo): void {
  csrf = found.csrf
  setCsrf(csrf)
  needLogin.value = false
}

/** Who is logged in. Out of reach: whoever was. */
async function whoAmI(): Promise<void> {
  try {
    const found = await session.get()
    take(found)
    if (found.must) {
      needLogin.value = true // a new password or a second factor comes first
      throw new Ended()
    }
    took(found)
    if (person.value?.name !== found.name) await becomes(found)
  } catch (wrong) {
    if (wrong instanceof Ended) throw wrong
    if (wrong instanceof ApiError && wrong.status === 401) {
      take(null)
      needLogin.value = true
      throw new Ended()
    }
    throw new Unreached()
  }
}

async function becomes(found: SessionInfo): Promise<void> {
  if (person.value && person.value.name !== found.name) {
    day.value = null // another person's tasks are not theirs
    await box.unkeep('day')
  }
  person.value = { name: found.name, roles: found.roles }
  await box.keep('person', person.value)
}

/** Somebody has logged in (see `parts/LogIn.vue`): their day, and what waits is sent. */
export async function entered(): Promise<void> {
  if (!me.value) return
  took(me.value)
  await becomes(me.value)
  online.value = true
  await refresh()
  void run()
}

export async function logOut(): Promise<void> {
  try {
    await session.close()
  } finally {
    take(null)
    person.value = null
    day.value = null
    needLogin.value = true
    await box.unkeep('person')
    await box.unkeep('day')
  }
}

/** The day anew; without a network the kept one stays. */
export async function refresh(): Promise<boolean> {
  try {
    await whoAmI()
    const found = await get<Day>('/api/field/day')
    skew.value = Math.round((nowUs() - found.now) / 1e6)
    await takeDay({ ...found, taken_at: Date.now() })
    online.value = true
    return true
  } catch (wrong) {
    failed(wrong)
    return false
  }
}

function failed(wrong: unknown): void {
  if (wrong instanceof Ended) lastError.value = { code: 'session', message: '' }
  else if (wrong instanceof ApiError && wrong.status > 0) lastError.value = { code: wrong.code, message: wrong.message }
  else {
    online.value = false
    lastError.value = { code: 'unreachable', message: '' }
  }
}

/** Ask the node; only what it said itself is an answer, all else is "not reached". */
async function ask(method: string, path: string, body: BodyInit, headers: Record<string, string>): Promise<any> {
  const late = new AbortController()
  const stop = setTimeout(() => late.abort(), LONGEST_MS)
  let answer: Response
  let told: any
  try {
    answer = await fetch(path, { method, body, credentials: 'same-origin', signal: late.signal, headers: { Accept: 'application/json', 'X-Jinyun-CSRF': csrf, ...headers } })
    told = await answer.json()
  } catch {
    throw new Unreached()
  } finally {
    clearTimeout(stop)
  }
  if (answer.ok) return told
  const error = told?.error ?? {}
  if (answer.status === 401) {
    needLogin.value = true
    throw new Ended()
  }
  throw new Refusal({ status: answer.status, code: String(answer.status), message: answer.statusText, ...error, outcome: told?.outcome })
}

// --- photos ---------------------------------------------------------------------------------------------------------

async function sendPhoto(id: string, device: string): Promise<void> {
  const one = await box.photo(id)
  if (!one) throw new Refusal({ code: 'file-lost', message: id, final: true })
  if (one.attachment) return
  const about = { id, device, name: one.name, bytes: one.blob.size, sha256: one.sha256, taken_at: one.taken_at, place: one.place, accuracy_m: one.accuracy_m }
  let known = await ask('POST', '/api/field/uploads', JSON.stringify(about), { 'Content-Type': 'application/json' })
  let anew = 0
  while (!known.attachment) {
    await note(id, known.offset)
    try {
      const piece = one.blob.slice(known.offset, known.offset + PART)
      known = await ask('PATCH', `/api/field/uploads/${id}`, piece, { 'Content-Type': 'application/octet-stream', 'Upload-Offset': String(known.offset) })
    } catch (wrong) {
      if (!(wrong instanceof Refusal)) throw wrong
      if (wrong.error.code === 'offset-wrong' || wrong.error.field === 'sha256') {
        if (++anew > 5) throw new Unreached()
        known = await ask('POST', '/api/field/uploads', JSON.stringify(about), { 'Content-Type': 'application/json' })
      } else throw wrong.error.status < 500 ? new Refusal({ ...wrong.error, final: true }) : new Unreached()
    }
  }
  await note(id, one.blob.size, known.attachment)
}

async function note(id: string, offset: number, attachment = ''): Promise<void> {
  const one = await box.photo(id)
  if (!one) return
  const next = { ...one, offset, attachment }
  await box.putPhoto(next)
  photos.value = new Map(photos.value).set(id, next)
}

// --- edits ----------------------------------------------------------------------------------------------------------

/** Whether an edit waits for another that is not through. */
export function blocked(row: Queued): boolean {
  if (!row.edit.after) return false
  const before = rows.value.find((one) => one.edit.key === row.edit.after)
  return before !== undefined && before.state !== 'done'
}

/** True when there is an answer, false when it has to wait; throws `Unreached` or `Ended` when all has to. */
async function sendRow(row: Queued): Promise<boolean> {
  const uploads = uploadsOf(row.edit)
  try {
    for (const id of uploads) await sendPhoto(id, row.edit.device)
    const answer = await ask('POST', '/api/field/edits', JSON.stringify({ ...row.edit, sent_at: nowUs() }), { 'Content-Type': 'application/json' })
    row = { ...row, state: 'done', error: null, answer: { version: answer.version, state: answer.state, received_at: answer.received_at } }
    await box.settle(row, uploads)
    await remember(row)
    return true
  } catch (wrong) {
    if (!(wrong instanceof Refusal)) throw wrong
    const { error } = wrong
    if (error.outcome === 'conflict' || error.outcome === 'refused' || error.final || [404, 413, 422].includes(error.status)) {
      await box.putQueued({ ...row, state: error.outcome === 'conflict' ? 'conflict' : 'refused', tries: row.tries + 1, error: { code: error.code, message: error.message, missing: error.missing, problems: error.problems } })
      return true
    }
    if (error.code === 'upload-missing') {
      for (const id of uploads) await note(id, 0) // the node lost it before the edit came: once more
      await box.putQueued({ ...row, tries: row.tries + 1 })
    }
    lastError.value = { code: error.code, message: error.message }
    return false
  }
}

async function sendAll(): Promise<void> {
  await whoAmI()
  online.value = true
  const stuck = new Set<number>()
  for (;;) {
    await recall()
    const row = waitingRows.value.find((one) => !blocked(one) && !stuck.has(one.n))
    if (!row) break
    sending.value = row.n
    if (await sendRow(row)) {
      misses = 0
      lastError.value = null
    } else stuck.add(row.n) // what is wrong with one keeps no other back
  }
  if (stuck.size) throw new Later()
}

/** Send what waits; one tab at a time. */
export async function run(): Promise<void> {
  asked = true
  if (running) return
  running = true
  clearTimeout(timer)
  try {
    while (asked) {
      asked = false
      const had = waitingRows.value.length
      if (!had) break
      if (navigator.locks) await navigator.locks.request('jinyun-field', { ifAvailable: true }, (lock) => (lock ? sendAll() : Promise.reject(new Later())))
      else await sendAll()
      if (waitingRows.value.length < had) await refresh()
    }
  } catch (wrong) {
    if (!(wrong instanceof Ended)) {
      if (wrong instanceof Unreached) failed(wrong)
      else if (!(wrong instanceof Later)) {
        lastError.value = { code: 'page', message: String(wrong) }
        console.error(wrong)
      }
      timer = setTimeout(() => void run(), AGAIN_MS[Math.min(misses++, AGAIN_MS.length - 1)])
    } else failed(wrong)
  } finally {
    running = false
    sending.value = null
    await recall()
  }
}

export function watchNetwork(): void {
  addEventListener('online', () => {
    online.value = true
    misses = 0
    void run()
    void refresh()
  })
  addEventListener('offline', () => (online.value = false))
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void run()
  })
  setInterval(() => void (waitingRows.value.length ? run() : online.value && document.visibilityState === 'visible' && refresh()), 300_000)
}

// --- what the person decides ------------------------------------------------------------------------------------------

/** The same again under a new key, made for `version`; what follows it now follows the new one. */
export async function again(row: Queued, change: { version?: number | null; data?: Record<string, any> } = {}): Promise<void> {
  const key = crypto.randomUUID?.() ?? `${row.edit.key.slice(0, 40)}-${row.tries}`
  const edit = { ...row.edit, key, ...change }
  if (change.version != null) edit.after = ''
  const followers = mineRows.value.filter((one) => one.edit.after === row.edit.key && one.state !== 'done')
  await box.putAll([{ ...row, edit, state: 'waiting', error: null, tries: row.tries + 1 }, ...followers.map((one) => ({ ...one, edit: { ...one.edit, after: key } }))])
  await recall()
  void run()
}

/** Do not send it. It stays in the list, and what follows it is made for what the node has. */
export async function drop(row: Queued, version: number | null): Promise<void> {
  const followers = mineRows.value.filter((one) => one.edit.after === row.edit.key && one.state !== 'done')
  const freed = followers.map((one) => ({ ...one, edit: { ...one.edit, after: row.edit.after, version: version ?? row.edit.version } }))
  await box.putAll([{ ...row, state: 'dropped' }, ...freed])
  await recall()
  void run()
}

export async function forget(given: Queued[]): Promise<void> {
  await box.removeQueued(given, given.flatMap((one) => uploadsOf(one.edit)))
  await recall()
}

export const queueSize = computed(() => mineRows.value.filter((one) => one.state !== 'done' && one.state !== 'dropped').length)
