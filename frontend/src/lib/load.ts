/** Loading something for a page: data, or loading, or an error, never a half of each. */

import { ref, shallowRef } from 'vue'
import { ApiError } from './api'

export function useLoad<T>(ask: () => Promise<T>) {
  const data = shallowRef<T | null>(null)
  const error = shallowRef<ApiError | null>(null)
  const loading = ref(false)
  let latest = 0
  let owed = false // a question asked aloud has no answer yet: what is shown answers another

  /** `quiet` keeps what is shown when a refresh in the background fails: for the same question only. */
  async function load(quiet = false): Promise<void> {
    const mine = ++latest
    if (!quiet) loading.value = owed = true
    try {
      const found = await ask()
      if (mine !== latest) return
      data.value = found
      owed = false
      error.value = null
    } catch (wrong) {
      if (mine !== latest || (quiet && !owed && data.value !== null)) return
      error.value = wrong instanceof ApiError ? wrong : new ApiError(-1, 'page', String(wrong))
      if (!(wrong instanceof ApiError)) console.error(wrong)
    } finally {
      if (mine === latest) loading.value = false
    }
  }

  return { data, error, loading, load }
}
