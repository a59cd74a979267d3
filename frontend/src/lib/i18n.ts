/** Chinese first, English by a switch kept in this browser. */

import { ref, watchEffect } from 'vue'
import { prettyUnits, type Lang } from './format'
import { messages } from './messages'

export type Key = keyof typeof messages

function stored(): Lang {
  try {
    return localStorage.getItem('jinyun.lang') === 'en' ? 'en' : 'zh'
  } catch {
    return 'zh'
  }
}

export const lang = ref<Lang>(stored())

watchEffect(() => {
  if (typeof document !== 'undefined') document.documentElement.lang = lang.value === 'en' ? 'en' : 'zh-CN'
  try {
    localStorage.setItem('jinyun.lang', lang.value)
  } catch {
    // storage may be forbidden: the choice then lasts as long as the page
  }
})

/** Our own words; `{name}` is filled in from `given`. */
export function t(key: Key, given: Record<string, string | number> = {}): string {
  const pair = messages[key]
  const text = lang.value === 'en' ? pair[1] : pair[0]
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(given[name] ?? ''))
}

/** The words of a thing that carries both: `{zh, en}`, `[zh, en]` or `<stem>_zh` / `<stem>_en`. */
export function said(thing: any, stem = ''): string {
  if (thing === null || thing === undefined) return ''
  if (typeof thing === 'string') return thing
  const zh = Array.isArray(thing) ? thing[0] : stem ? thing[`${stem}_zh`] : thing.zh
  const en = Array.isArray(thing) ? thing[1] : stem ? thing[`${stem}_en`] : thing.en
  return prettyUnits((lang.value === 'en' ? en || zh : zh || en) ?? '')
}

/** A message whose key is made of a stem and a code that may not be known; falls back to the code. */
export function coded(stem: string, code: string | null | undefined): string {
  if (!code) return '—'
  const key = `${stem}.${code}`
  return key in messages ? t(key as Key) : code
}
