import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Phone } from './field-idb'

/** Logging out on a phone is done at once and stays done, whether or not the node hears of it. */
const QIN = { name: 'qin', roles: ['inspector'], csrf: 'session-of-qin' }
const LIU = { name: 'liu', roles: ['inspector'], csrf: 'session-of-liu' }

type Answer = () => Promise<Response> | Response
let phone: Phone
let answers: Record<string, Answer>
let asked: string[]
let given: RequestInit[]
let engine: typeof import('../src/field/engine')
let state: typeof import('../src/field/state')
let box: typeof import('../src/field/box')
let session: typeof import('../src/lib/session')

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status })
const gone: Answer = () => Promise.reject(new TypeError('no network'))
const dayOf = (who: typeof QIN) => ({ now: 0, person: { ...who, unit: '', units: [] }, types: {}, items: [], sites: [], choices: {} })
const row = (n: number, state: string, uploads: string[] = []): any => ({
  n, state, actor: 'qin', title: '', what: '', base: null, error: null, answer: null, tries: 0,
  edit: { device: 'd', key: `key-${n}`, op: 'step', type: 'task', id: `t${n}`, at: 0, data: { photos: uploads.map((id) => `upload:${id}`) }, step: 'finish', version: 1, after: '', note: '' },
})
const flush = () => vi.advanceTimersByTimeAsync(0)
function later(): { answer: Answer; come: (answer: Response) => void } {
  let come!: (answer: Response) => void
  const promise = new Promise<Response>((done) => (come = done))
  return { answer: () => promise, come }
}

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  phone = new Phone()
  asked = []
  given = []
  answers = { 'GET /api/session': () => json(QIN), 'GET /api/field/day': () => json(dayOf(QIN)), 'DELETE /api/session': () => new Response(null, { status: 204 }) }
  vi.stubGlobal('indexedDB', phone)
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const what = `${init.method} ${url}`
    asked.push(what)
    given.push(init)
    return Promise.resolve((answers[what] ?? gone)())
  })
  ;[engine, state, box, session] = await Promise.all([import('../src/field/engine'), import('../src/field/state'), import('../src/field/box'), import('../src/lib/session')])
  await state.wake()
  expect(await engine.refresh()).toBe(true)
  await box.putAll([row(1, 'done'), row(2, 'waiting'), row(3, 'dropped')])
  await state.recall()
  asked.length = given.length = 0
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

async function nobodyIsHere(): Promise<void> {
  expect(state.person.value).toBeNull()
  expect(state.day.value).toBeNull()
  expect(engine.needLogin.value).toBe(true)
  expect(await box.kept('person')).toBeUndefined()
  expect(await box.kept('day')).toBeUndefined()
}

it('with a network the session is closed and nothing waits', async () => {
  await engine.logOut()
  await nobodyIsHere()
  expect(asked).toEqual(['DELETE /api/session'])
  expect(given[0]!.headers).toMatchObject({ 'X-Jinyun-CSRF': 'session-of-qin' })
  expect(await box.kept('leaving')).toBeUndefined()
  expect(state.leaving.value).toBe(false)
})

it('a session that had ended already is closed too', async () => {
  answers['DELETE /api/session'] = () => json({ error: { code: 'not-logged-in' } }, 401)
  await engine.logOut()
  expect(await box.kept('leaving')).toBeUndefined()
})

it('without a network it is told as such, and the network that comes back does not undo it', async () => {
  answers['DELETE /api/session'] = gone
  await engine.logOut()
  await nobodyIsHere()
  expect(state.leaving.value).toBe(true)
  answers['DELETE /api/session'] = () => new Response(null, { status: 204 })
  asked.length = 0
  expect(await engine.refresh()).toBe(false)
  await nobodyIsHere()
  expect(asked).toEqual(['GET /api/session', 'DELETE /api/session'])
  expect(state.leaving.value).toBe(false)
  expect(await box.kept('leaving')).toBeUndefined()
})

it('a page opened anew still knows', async () => {
  answers['DELETE /api/session'] = gone
  await engine.logOut()
  vi.resetModules()
  ;[engine, state, box] = await Promise.all([import('../src/field/engine'), import('../src/field/state'), import('../src/field/box')])
  await state.wake()
  expect(state.leaving.value).toBe(true)
  expect(await engine.refresh()).toBe(false) // still out of reach for closing, though the node says who it was
  expect([state.person.value, state.day.value]).toEqual([null, null])
  expect(asked).not.toContain('GET /api/field/day')
  expect(await box.kept('leaving')).toBe('session-of-qin')
})

/** The node never answers the end of the session; whether who asked has given up. */
function neverClosed(): () => AbortSignal {
  let signal: AbortSignal | undefined
  answers['DELETE /api/session'] = () => new Promise((_, failed) => {
    signal = given.at(-1)!.signal!
    signal.addEventListener('abort', () => failed(signal!.reason))
  })
  return () => signal!
}

it('a node that does not answer is waited for ten seconds', async () => {
  const closing = neverClosed()
  const out = engine.logOut()
  await flush()
  await nobodyIsHere() // before the node said anything
  await vi.advanceTimersByTimeAsync(9_900)
  expect(closing().aborted).toBe(false)
  await vi.advanceTimersByTimeAsync(200)
  expect(closing().aborted).toBe(true)
  await out
  expect(state.leaving.value).toBe(true)
})

it('a day that was on its way is not written back', async () => {
  const { answer, come } = later()
  answers['GET /api/field/day'] = answer
  const asking = engine.refresh()
  await vi.waitFor(() => expect(asked).toContain('GET /api/field/day'))
  await engine.logOut()
  come(json(dayOf(QIN)))
  expect(await asking).toBe(false)
  await nobodyIsHere()
})

it('nor is who was logged in, asked before and answered after', async () => {
  const { answer, come } = later()
  answers['GET /api/session'] = answer
  const asking = engine.refresh()
  await vi.waitFor(() => expect(asked).toContain('GET /api/session'))
  await engine.logOut()
  come(json(QIN))
  expect(await asking).toBe(false)
  await nobodyIsHere()
})

it("another person's day is dropped", async () => {
  answers['GET /api/field/day'] = () => json(dayOf(LIU))
  expect(await engine.refresh()).toBe(false)
  expect(state.day.value!.person.name).toBe('qin')
})

it('what was delivered is forgotten, what is still to be sent or was given up stays', async () => {
  await engine.logOut()
  expect((await box.queue()).map((one) => one.n)).toEqual([2, 3])
  expect(state.rows.value.map((one) => one.n)).toEqual([2, 3])
})

it('what is delivered after its person left is forgotten as well', async () => {
  const { answer, come } = later()
  answers['POST /api/field/edits'] = answer
  const running = engine.run()
  await vi.waitFor(() => expect(asked).toContain('POST /api/field/edits'))
  await engine.logOut()
  come(json({ version: 2, state: 'done', received_at: 1 }))
  await running
  expect((await box.queue()).map((one) => one.n)).toEqual([3])
})

it('nothing is sent with the log-in of whoever comes next', async () => {
  await box.putPhoto({ id: 'photo-1', actor: 'qin', blob: new Blob(['x']), name: 'x.jpg', sha256: '', taken_at: 0, place: null, accuracy_m: null, offset: 0, attachment: '' })
  await box.putAll([row(2, 'waiting', ['photo-1'])])
  const { answer, come } = later()
  answers['POST /api/field/uploads'] = answer
  const running = engine.run()
  await vi.waitFor(() => expect(asked).toContain('POST /api/field/uploads'))
  await engine.logOut()
  answers['GET /api/session'] = () => json(LIU)
  answers['GET /api/field/day'] = () => json(dayOf(LIU))
  session.take(LIU)
  await engine.entered()
  come(json({ offset: 0, attachment: '' }))
  await running
  expect(asked.filter((one) => one.startsWith('PATCH') || one === 'POST /api/field/edits')).toEqual([])
  expect((await box.queue()).find((one) => one.n === 2)?.state).toBe('waiting')
})

it('entering again ends the leaving, and a close on its way is given up', async () => {
  const closing = neverClosed()
  const out = engine.logOut()
  await flush()
  answers['GET /api/session'] = () => json(LIU)
  answers['GET /api/field/day'] = () => json(dayOf(LIU))
  session.take(LIU)
  await engine.entered()
  await out
  expect(closing().aborted).toBe(true)
  expect(state.person.value?.name).toBe('liu')
  expect(state.day.value?.person.name).toBe('liu')
  expect(await box.kept('leaving')).toBeUndefined()
})

it('a session begun since by other means, e.g. an OpenID provider, is not closed', async () => {
  answers['DELETE /api/session'] = gone
  await engine.logOut()
  answers['GET /api/session'] = () => json(LIU)
  answers['GET /api/field/day'] = () => json(dayOf(LIU))
  asked.length = 0
  expect(await engine.refresh()).toBe(true)
  expect(asked).not.toContain('DELETE /api/session')
  expect(state.person.value?.name).toBe('liu')
  expect(await box.kept('leaving')).toBeUndefined()
})
