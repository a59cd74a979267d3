/** Taking a step: at once when it asks for nothing, by its form otherwise; what refuses it is kept and shown. */

import { ref } from 'vue'
import { ApiError, type StepSpec, type Words } from './api'
import { errorPrint, errorWords } from './errors'

export interface Refused {
  step: Words
  message: string
  print: string
  missing: Words[]
}

/** `take` sends a step. One that is not allowed yet is sent too, so that the node says why. */
export function useSteps(take: (spec: StepSpec, given: Record<string, any>) => Promise<void>, told?: (wrong: ApiError) => void) {
  const step = ref<StepSpec | null>(null)
  const refused = ref<Refused | null>(null)
  const busy = ref(false)

  function refuse(spec: Words, wrong: unknown, missing: Words[] = []): void {
    if (!(wrong instanceof ApiError)) throw wrong
    refused.value = { step: spec, message: errorWords(wrong), print: errorPrint(wrong), missing: wrong.missing.length ? wrong.missing : missing }
    told?.(wrong)
  }

  async function press(spec: StepSpec): Promise<void> {
    if (busy.value) return // a second click is no second step
    refused.value = null
    if (spec.fields.length && spec.allowed !== false) {
      step.value = spec
      return
    }
    busy.value = true
    try {
      await take(spec, {})
    } catch (wrong) {
      refuse(spec, wrong, spec.missing)
    } finally {
      busy.value = false
    }
  }
  return { step, refused, busy, press, refuse }
}
