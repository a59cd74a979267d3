/** The service worker, and the offer to install. Both need HTTPS (or this machine itself). */
import { ref } from 'vue'

export const secure = typeof isSecureContext === 'undefined' || isSecureContext
export const offer = ref<any>(null) // the browser's own question, kept until the person presses
export const fresh = ref<ServiceWorker | null>(null) // a newer version that waits
export const ready = ref(false) // the shell is on the phone

export function installable(): void {
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault()
    offer.value = event
  })
  addEventListener('appinstalled', () => (offer.value = null))
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return
  void register()
}

/** The scope is the whole origin because the map's worker lies under /assets; it answers for the field page's files only. */
async function register(): Promise<void> {
  try {
    const held = await navigator.serviceWorker.register('/field-sw.js', { scope: '/' })
    const watch = (one: ServiceWorker | null): void => {
      one?.addEventListener('statechange', () => {
        if (one.state === 'installed' && navigator.serviceWorker.controller) fresh.value = one
      })
    }
    if (held.waiting) fresh.value = held.waiting
    watch(held.installing)
    held.addEventListener('updatefound', () => watch(held.installing))
    await navigator.serviceWorker.ready
    ready.value = true
    let reloaded = false
    navigator.serviceWorker.addEventListener('controllerchange', () => {
      if (fresh.value && !reloaded) {
        reloaded = true
        location.reload()
      }
    })
  } catch {
    // the page works without, as long as there is a network
  }
}

export async function install(): Promise<void> {
  const asked = offer.value
  offer.value = null
  await asked?.prompt()
}

export const takeOver = (): void => fresh.value?.postMessage('take-over')
