/** A text box over a value that is no text: what is typed stays as typed until the box is left, whatever it is read as. */

import { computed, ref, watch } from 'vue'

export function useDraft<T>(held: () => T, tell: (value: T) => void, write: (value: T) => string, read: (typed: string) => T) {
  const draft = ref<string | null>(null)
  const same = (a: T, b: T) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null)
  const text = computed({
    get: () => draft.value ?? write(held()),
    set: (typed: string) => {
      draft.value = typed
      tell(read(typed))
    },
  })
  watch(held, (now) => {
    if (draft.value !== null && !same(now, read(draft.value))) draft.value = null // set from elsewhere: the box shows that
  })
  return { text, left: () => void (draft.value = null) }
}

/** Json when it is some, else the text itself. */
function parsed(text: string): any {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Lists one per line, json as its text. */
export function written(value: any): string {
  if (Array.isArray(value)) return value.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n')
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1)
}

/** The value that such a text stands for in a field. */
export function readAs(typed: string, field: { kind: string; many?: boolean }): any {
  if (!field.many) return typed === '' ? null : parsed(typed)
  const lines = typed.split('\n').map((one) => one.trim()).filter(Boolean)
  return field.kind === 'json' ? lines.map(parsed) : lines
}
