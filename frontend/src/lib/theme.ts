/** Light and dark: what the person chose, else what the system says. */

import { ref } from 'vue'

export const dark = ref(typeof document !== 'undefined' && document.documentElement.classList.contains('dark'))

export function setDark(value: boolean): void {
  dark.value = value
  document.documentElement.classList.toggle('dark', value)
  try {
    localStorage.setItem('jinyun.theme', value ? 'dark' : 'light')
  } catch {
    // storage may be forbidden
  }
}

const query = typeof matchMedia === 'undefined' ? null : matchMedia('(max-width: 640px)')
/** A phone in the hand: lists instead of wide tables. */
export const narrow = ref(query?.matches ?? false)
query?.addEventListener('change', (event) => (narrow.value = event.matches))

/** The value of a CSS custom property, for canvases that cannot read them. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}
