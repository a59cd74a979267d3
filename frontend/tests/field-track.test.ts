import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Phone } from './field-idb'

/** A patrol's track is its own person's, and goes on until it is ended. */
let phone: Phone
let tracks: typeof import('../src/field/track')
let state: typeof import('../src/field/state')
let here: typeof import('../src/field/here')
let box: typeof import('../src/field/box')
let heard: ((found: any) => void) | null
let refused: (wrong: any) => void
let watched: number
let locks: { released: boolean; release: () => void }[]
let page: EventTarget & { visibilityState: string }

const settled = () => new Promise((done) => setTimeout(done, 5))
async function enter(name: string): Promise<void> {
  state.person.value = name ? { name, roles: ['inspector'] } : null
  await settled()
}
const walk = (lon: number) => heard?.({ coords: { longitude: lon, latitude: 29.82, accuracy: 6 }, timestamp: 1000 })
const turn = (visible: boolean) => {
  page.visibilityState = visible ? 'visible' : 'hidden'
  if (!visible) for (const one of locks) one.released = true // as browsers do
  page.dispatchEvent(new Event('visibilitychange'))
}
const held = () => locks.filter((one) => !one.released).length

beforeEach(async () => {
  vi.resetModules()
  phone = new Phone()
  heard = null
  watched = 0
  locks = []
  page = Object.assign(new EventTarget(), { visibilityState: 'visible', documentElement: {}, createElement: () => ({}) })
  vi.stubGlobal('indexedDB', phone)
  vi.stubGlobal('document', page)
  vi.stubGlobal('navigator', {
    geolocation: {
      watchPosition: (found: any, wrong: any) => ((heard = found), (refused = wrong), ++watched),
      clearWatch: () => (heard = null),
    },
    wakeLock: {
      request: async () => {
        const one = { released: false, release: () => (one.released = true) }
        locks.push(one)
        return one
      },
    },
  })
  ;[tracks, state, here, box] = await Promise.all([import('../src/field/track'), import('../src/field/state'), import('../src/field/here'), import('../src/field/box')])
  await enter('qin')
})
afterEach(() => vi.unstubAllGlobals())

it('goes on with no box on the page, until it is ended', async () => {
  await tracks.begin()
  walk(106.43)
  walk(106.44) // recorded by the module: whatever tab is shown
  await settled()
  expect((await box.kept<any>('track/qin')).points.map((one: any) => one[0])).toEqual([106.43, 106.44])
  await tracks.clear()
  expect(heard).toBeNull()
  expect(held()).toBe(0)
  expect(await box.kept('track/qin')).toBeUndefined()
})

it('is not shown to the next account, nor gets its points, and waits for its own', async () => {
  await tracks.begin()
  walk(106.43)
  await enter('')
  expect(tracks.track.value).toBeNull()
  expect(heard).toBeNull()
  expect(held()).toBe(0)
  await enter('liu')
  expect(tracks.track.value).toBeNull()
  await tracks.begin()
  walk(106.5)
  await enter('qin')
  expect(tracks.track.value!.points.map((one) => one[0])).toEqual([106.43])
  expect(heard).not.toBeNull()
  await enter('liu')
  expect(tracks.track.value!.points.map((one) => one[0])).toEqual([106.5])
})

it('keeps the screen on again after the page was hidden', async () => {
  await tracks.begin()
  await settled()
  expect(held()).toBe(1)
  turn(false)
  turn(true)
  await settled()
  expect(held()).toBe(1)
  await tracks.clear()
  turn(false)
  turn(true)
  await settled()
  expect(held()).toBe(0)
})

it('says when location is denied, and listens again once it may be allowed', async () => {
  await tracks.begin()
  refused({ code: 1, PERMISSION_DENIED: 1 })
  expect(here.denied.value).toBe(true)
  turn(false)
  turn(true)
  expect(watched).toBe(2)
  walk(106.43)
  expect(here.denied.value).toBe(false)
  expect(tracks.track.value!.points).toHaveLength(1)
})

it('says so too when its points cannot be kept', async () => {
  await tracks.begin()
  phone.full = true
  walk(106.43)
  await settled()
  expect(state.trouble.value).toContain('已满')
})
