/** Date-times in forms: a picker shows and gives a clock's reading, which is China's whatever zone the browser is in. */

import { seconds } from './format'
import { localText } from './past'

/** An instant as the picker takes it: `2026-03-01T08:00:00`, no zone said. */
export function toCivil(value: unknown): string | null {
  const at = seconds(value)
  return at === null ? null : localText(at)
}

/** What the picker gave, as the node takes it. */
export const fromCivil = (picked: string | null): string | null => (picked ? `${picked}+08:00` : null)
