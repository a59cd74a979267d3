import { describe, expect, it } from 'vitest'
import { address, ApiError, items } from '../src/lib/api'
import { csvText } from '../src/lib/csv'
import { factValue } from '../src/lib/facts'
import { coded, lang, said, t } from '../src/lib/i18n'
import { messages } from '../src/lib/messages'

describe('words', () => {
  it('every message has both languages and the same places to fill', () => {
    for (const [key, [zh, en]] of Object.entries(messages)) {
      expect(zh, key).not.toBe('')
      expect(en, key).not.toBe('')
      const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort()
      expect(holes(zh), key).toEqual(holes(en))
    }
  })
  it('switch of language', () => {
    lang.value = 'zh'
    expect(t('nav.alarms')).toBe('报警')
    expect(said({ zh: '溶解氧', en: 'Dissolved oxygen' })).toBe('溶解氧')
    lang.value = 'en'
    expect(t('case.recovery.progress', { have: 1, need: 3 })).toBe('1 / 3 consecutive attaining')
    expect(said({ label_zh: 'Ⅲ类', label_en: 'Class III' }, 'label')).toBe('Class III')
    expect(said({ zh: '只有中文' })).toBe('只有中文')
    lang.value = 'zh'
  })
  it('an unknown code shows itself', () => {
    expect(coded('kind', 'water_section')).toBe('水质断面')
    expect(coded('kind', 'something_new')).toBe('something_new')
  })
})

describe('asking', () => {
  it('leaves empty parameters out', () => {
    expect(address('/api/x', { a: '', b: undefined, c: 0, d: '水 1' })).toBe('/api/x?c=0&d=%E6%B0%B4+1')
  })
  it('lists come bare or wrapped', () => {
    expect(items([1])).toEqual([1])
    expect(items({ items: [2], total: 1 })).toEqual([2])
    expect(items(null)).toEqual([])
  })
  it('an error keeps what is missing and which fields are wrong', () => {
    const refused = new ApiError(409, 'refused', 'no', { missing: [{ code: 'x', zh: '缺', en: 'lacks' }] })
    expect(refused.missing[0].en).toBe('lacks')
    expect(new ApiError(422, 'invalid-record', 'no', { problems: { name: 'required' } }).problems.name).toBe('required')
  })
})

it('facts of any shape become text', () => {
  expect(factValue(null)).toBe('—')
  expect(factValue(false)).toBe('否')
  expect(factValue(['a', 'b'])).toBe('a、b')
  expect(factValue({ lon: 106.5, lat: 29.5 })).toBe('106.50000, 29.50000')
})

it('CSV keeps numbers, quotes commas and disarms formulas', () => {
  expect(csvText([['因子', '值'], ['a,b', '-1.5'], ['=1+1', null]])).toBe("\ufeff因子,值\r\n\"a,b\",-1.5\r\n'=1+1,\r\n")
})
