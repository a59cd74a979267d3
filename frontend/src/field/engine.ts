/** Sends the queue: in order, each edit with its own key, photos in parts from where they were. What fails stays. */
import { computed, ref } from 'vue'
import { ApiError, get, session, setCsrf, type SessionInfo } from '../lib/api'
import { me, take } from '../lib/session'
import * as box from './box'
import type { Queued } from './box'
import { day, leaving, mineRows, nowUs, person, photos, recall, remember, rows, takeDay, uploadsOf, waitingRows, type Day } from './state'

const PART = 256 * 1024
const AGAIN_MS = [2_000, 5_000, 15_000, 30_000, 60_000]
const LONGEST_MS = 60_000
const CLOSE_MS = 10_000

export const online = ref(typeof navigator === 'undefined' || navigator.onLine)
export const needLogin = ref(false)
export const sending = ref<number | null>(null) // the row under way
export const lastError = ref<{ code: string; message: string } | null>(null)
export const skew = ref(0) // [s] how far this phone's clock is ahead of the node's

let csrf = ''
let turn = 0 // grows when somebody enters or leaves: what was asked before is nobody's answer
let closing: AbortController | undefined
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
  const then = turn
  try {
    const found = await session.get()
    await leaveFirst(found)
    if (then !== turn) throw new Later()
    take(found)
    if (found.must) {
      needLogin.value = true // a new password or a second factor comes first
      throw new Ended()
    }
    took(found)
    if (person.value?.name !== found.name || person.value.csrf !== found.csrf) await becomes(found)
  } catch (wrong) {
    if (then !== turn) throw new Later()
    if (wrong instanceof Ended) throw wrong
    if (wrong instanceof ApiError && wrong.status === 401) {
      await left()
      take(null)
      needLogin.value = true
      throw new Ended()
    }
    throw new Unreached()
  }
}

/** Both writes are asked for before anything is waited for: a log-out that comes now comes after them. */
async function becomes(found: SessionInfo): Promise<void> {
  const other = person.value !== null && person.value.name !== found.name
  if (other) day.value = null // another person's tasks are not theirs
  person.value = { name: found.name, roles: found.roles, csrf: found.csrf }
  await Promise.all([box.keep('person', person.value), ...(other ? [box.unkeep('day')] : [])])
}

/** Somebody has logged in (see `parts/LogIn.vue`): their day, and what waits is sent. */
export async function entered(): Promise<void> {
  if (!me.value) return
  turn++
  closing?.abort() // its answer would take the new cookie away
  await left()
  took(me.value)
  await becomes(me.value)
  online.value = true
  await refresh()
  void run()
}

/** Gone from the phone at once, whether or not the node hears of it; until it does, `leaving` stands. */
export async function logOut(): Promise<void> {
  const csrf = person.value?.csrf ?? ''
  turn++
  nobody()
  leaving.value = true
  try {
    await box.leave(csrf)
    await recall()
  } finally {
    await closeSession(csrf).then(left).catch(() => undefined) // see `leaveFirst`
  }
}

function nobody(): void {
  take(null)
  person.value = day.value = null
  needLogin.value = true
}

/** The cookie is out of the page's reach: only the node's answer ends the session. */
async function closeSession(token: string): Promise<void> {
  const late = (closing = new AbortController())
  const stop = setTimeout(() => late.abort(), CLOSE_MS)
  try {
    const answer = await fetch('/api/session', { method: 'DELETE', credentials: 'same-origin', signal: late.signal, headers: { 'X-Jinyun-CSRF': token } })
    if (!answer.ok && answer.status !== 401) throw new Unreached()
  } finally {
    clearTimeout(stop)
  }
}

async function left(): Promise<void> {
  await box.unkeep('leaving')
  leaving.value = false
}

/** Somebody logged out while the node was out of reach: their session is closed before it is anybody's. One that was begun
 * since, e.g. at an OpenID provider, is another and stays. */
async function leaveFirst(found: SessionInfo): Promise<void> {
  const csrf = await box.kept<string>('leaving')
  if (csrf === undefined) return
  const same = csrf === '' || csrf === found.csrf
  if (same) await closeSession(found.csrf)
  await left()
  if (!same) return
  nobody()
  throw new Ended()
}

/** The day anew; without a network the kept one stays. */
export async function refresh(): Promise<boolean> {
  const then = turn
  try {
    await whoAmI()
    const found = await get<Day>('/api/field/day')
    if (then !== turn || found.person.name !== person.value?.name) return false // of somebody who has left
    skew.value = Math.round((nowUs() - found.now) / 1e6)
    await takeDay({ ...found, taken_at: Date.now() })
    online.value = true
    return true
  } catch (wrong) {
    if (then === turn) failed(wrong)
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

/** Ask the node for `actor`, never with the log-in of somebody else who has entered since; only what it said itself is an answer, all else is "not reached". */
async function ask(actor: string, method: string, path: string, body: BodyInit, headers: Record<string, string>): Promise<any> {
  if (person.value?.name !== actor) throw new Later()
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
    if (person.value?.name !== actor) throw new Later()
    needLogin.value = true
    throw new Ended()
  }
  throw new Refusal({ status: answer.status, code: String(answer.status), message: answer.statusText, ...error, outcome: told?.outcome })
}

// --- photos ---------------------------------------------------------------------------------------------------------

async function sendPhoto(id: string, { actor, edit: { device } }: Queued): Promise<void> {
  const one = await box.photo(id)
  if (!one) throw new Refusal({ code: 'file-lost', message: id, final: true })
  if (one.attachment) return
  const about = { id, device, name: one.name, bytes: one.blob.size, sha256: one.sha256, taken_at: one.taken_at, place: one.place, accuracy_m: one.accuracy_m }
  let known = await ask(actor, 'POST', '/api/field/uploads', JSON.stringify(about), { 'Content-Type': 'application/json' })
  let anew = 0
  while (!known.attachment) {
    await note(id, known.offset)
    try {
      const piece = one.blob.slice(known.offset, known.offset + PART)
      known = await ask(actor, 'PATCH', `/api/field/uploads/${id}`, piece, { 'Content-Type': 'application/octet-stream', 'Upload-Offset': String(known.offset) })
    } catch (wrong) {
      if (!(wrong instanceof Refusal)) throw wrong
      if (wrong.error.code === 'offset-wrong' || wrong.error.field === 'sha256') {
        if (++anew > 5) throw new Unreached()
        known = await ask(actor, 'POST', '/api/field/uploads', JSON.stringify(about), { 'Content-Type': 'application/json' })
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
    for (const id of uploads) await sendPhoto(id, row)
    const answer = await ask(row.actor, 'POST', '/api/field/edits', JSON.stringify({ ...row.edit, sent_at: nowUs() }), { 'Content-Type': 'application/json' })
    row = { ...row, state: 'done', error: null, answer: { version: answer.version, state: answer.state, received_at: answer.received_at } }
    await box.settle(row, uploads)
    if (person.value?.name === row.actor) await remember(row)
    else await box.removeQueued([row], uploads) // delivered after its person left
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
  setInterval(() => void (waitingRows.value.length ? run() : document.visibilityState === 'visible' && refresh()), 300_000)
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
