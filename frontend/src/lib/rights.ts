/** What the one who is logged in may do: pages offer what is open to them, the node decides again at every call. */

import { ref } from 'vue'
import { get } from './api'

export interface Own {
  name: string
  roles?: string[]
  unit?: string
  jurisdictions?: string[]
  actions: string[]
  whole: boolean
  second_factor?: boolean
  [more: string]: any
}

export const own = ref<Own | null>(null)

export async function needOwn(): Promise<Own | null> {
  try {
    own.value = await get<Own>('/api/account')
  } catch {
    own.value = null // then nothing of it is offered
  }
  return own.value
}

export const may = (action: string) => own.value?.actions.includes(action) ?? false
