/** The track of a patrol: each person's own, kept on the phone at every point, going on whichever tab is shown. */
import { ref, watch } from 'vue'
import * as box from './box'
import { denied, metres, took } from './here'
import { person, unkept } from './state'

export interface Track {
  begun: number // [ms]
  points: [number, number, number][] // lon, lat, [ms]
}
export const track = ref<Track | null>(null)
const NEAR_M = 5 // steps shorter than this are the receiver's noise

let owner = ''
let listening: number | undefined
let awake: any = null // the screen's wake lock

const key = (): string => `track/${owner}`

function listen(): void {
  if (listening !== undefined) navigator.geolocation.clearWatch(listening)
  listening = undefined
  if (!navigator.geolocation) {
    denied.value = true
    return
  }
  listening = navigator.geolocation.watchPosition(heard, (wrong) => (denied.value = wrong.code === wrong.PERMISSION_DENIED), { enableHighAccuracy: true, maximumAge: 5_000 })
}

function heard(found: GeolocationPosition): void {
  const spot = took(found)
  const last = track.value?.points.at(-1)
  if (!track.value || (last && metres({ lon: last[0], lat: last[1] }, spot) < NEAR_M)) return
  track.value.points.push([spot.lon, spot.lat, spot.at])
  box.keep(key(), track.value).catch(unkept)
}

/** The browser takes the lock away whenever the page is hidden. */
async function stayAwake(): Promise<void> {
  if (awake && !awake.released) return
  const lock = await (navigator as any).wakeLock?.request('screen').catch(() => null)
  if (track.value) awake = lock
  else lock?.release() // the patrol has ended meanwhile
}

function go(): void {
  listen()
  void stayAwake()
}

function halt(): void {
  if (listening !== undefined) navigator.geolocation.clearWatch(listening)
  listening = undefined
  awake?.release()
  awake = track.value = null
}

export async function begin(): Promise<void> {
  track.value = { begun: Date.now(), points: [] }
  go()
  await box.keep(key(), track.value).catch(unkept)
}

export async function clear(): Promise<void> {
  halt()
  await box.unkeep(key())
}

/** Somebody else holds the phone: the track waits for its own person. */
watch(() => person.value?.name ?? '', async (name) => {
  halt()
  owner = name
  const found = name ? await box.kept<Track>(key()).catch(unkept) : null
  if (name !== owner || track.value || !found) return
  track.value = found
  go()
}, { flush: 'sync' })

if (typeof document !== 'undefined') document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible' || !track.value) return
  void stayAwake()
  if (denied.value) listen() // it may have been allowed in the settings
})
