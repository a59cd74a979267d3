import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createSSRApp, h } from 'vue'
import { renderToString } from 'vue/server-renderer'
import { fromCivil, toCivil } from '../src/lib/civil'
import FieldInput from '../src/parts/FieldInput.vue'

/** The picker takes and gives text of its format, read in the browser's zone; without a page only what it is given is seen. */
vi.mock('element-plus', async (own) => ({
  ...(await own<typeof import('element-plus')>()),
  ElDatePicker: { props: ['modelValue', 'valueFormat', 'showNow'], setup: (given: any) => () => h('i', `${given.modelValue} as ${given.valueFormat}, now: ${given.showNow}`) },
}))

describe.each(['America/New_York', 'Asia/Shanghai', 'Pacific/Auckland'])('a browser in %s', (zone) => {
  const before = process.env.TZ
  beforeAll(() => void (process.env.TZ = zone))
  afterAll(() => void (before === undefined ? delete process.env.TZ : (process.env.TZ = before)))

  it('shows the hour in China', () => {
    // 2026-03-01T00:30Z is half past eight in China (UTC+8).
    for (const told of ['2026-03-01T00:30:00Z', '2026-03-01T08:30:00+08:00', '2026-02-28T19:30:00-05:00']) {
      expect(toCivil(told)).toBe('2026-03-01T08:30:00')
      expect(new Date(toCivil(told)!).getHours()).toBe(8) // as a picker reads it
    }
    expect([toCivil(null), toCivil(''), toCivil('no time')]).toEqual([null, null, null])
  })
  it('what is picked is meant in China', () => {
    expect(fromCivil('2026-03-01T08:30:00')).toBe('2026-03-01T08:30:00+08:00')
    expect(Date.parse(fromCivil('2026-03-01T08:30:00')!)).toBe(Date.UTC(2026, 2, 1, 0, 30))
    expect(fromCivil(null)).toBeNull()
  })
  it('the form has it so', async () => {
    const field = { name: 'at', kind: 'datetime', zh: '时间', en: 'Time' }
    const html = await renderToString(createSSRApp({ render: () => h(FieldInput, { field, modelValue: '2026-03-01T08:30:00+08:00' }) }))
    expect(html).toContain('2026-03-01T08:30:00 as YYYY-MM-DDTHH:mm:ss, now: false')
  })
})
