/** Which view is shown: the part of the address after #, so that the phone's back button works. */
import { ref } from 'vue'

const parts = (): string[] => location.hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decodeURIComponent)
export const view = ref<string[]>(parts())
addEventListener('hashchange', () => (view.value = parts()))

export function go(...where: string[]): void {
  location.hash = `#/${where.map(encodeURIComponent).join('/')}`
}
export const back = (): void => (history.length > 1 ? history.back() : go('tasks'))
