/** Where the phone is. */
import { ref } from 'vue'

export interface Spot {
  lon: number
  lat: number
  accuracy: number
  at: number // [ms]
}

export const here = ref<Spot | null>(null)
export const denied = ref(false)

const six = (value: number): number => Math.round(value * 1e6) / 1e6

export function took(found: GeolocationPosition): Spot {
  const { longitude, latitude, accuracy } = found.coords
  here.value = { lon: six(longitude), lat: six(latitude), accuracy: Math.round(accuracy * 10) / 10, at: found.timestamp }
  denied.value = false
  return here.value
}

/** One position, at most a minute old; null when there is none. */
export function locate(): Promise<Spot | null> {
  return new Promise((done) => {
    if (!navigator.geolocation) return done(null)
    navigator.geolocation.getCurrentPosition(
      (found) => done(took(found)),
      (wrong) => {
        denied.value = wrong.code === wrong.PERMISSION_DENIED
        done(null)
      },
      { enableHighAccuracy: true, timeout: 12_000, maximumAge: 60_000 },
    )
  })
}

/** Metres between two places on the sphere. */
export function metres(a: { lon: number; lat: number }, b: { lon: number; lat: number }): number {
  const r = Math.PI / 180
  const h = Math.sin(((b.lat - a.lat) * r) / 2) ** 2 + Math.cos(a.lat * r) * Math.cos(b.lat * r) * Math.sin(((b.lon - a.lon) * r) / 2) ** 2
  return 2 * 6_371_008.8 * Math.asin(Math.sqrt(h))
}
