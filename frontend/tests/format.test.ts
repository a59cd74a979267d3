import { describe, expect, it } from 'vitest'
import { ago, bytes, clock, figure, hexRows, moment, roundText, seconds, span, unitText } from '../src/lib/format'

describe('times are China civil time whatever the browser thinks', () => {
  // 2026-03-01T00:00:00+08:00 is 2026-02-28T16:00:00Z.
  const midnight = Date.UTC(2026, 1, 28, 16) / 1000
  it('moment and clock', () => {
    expect(moment(midnight)).toBe('2026-03-01 00:00')
    expect(clock(midnight + 3661)).toBe('01:01:01')
  })
  it('takes s, µs and ISO text alike', () => {
    expect(seconds(midnight * 1e6)).toBe(midnight)
    expect(seconds('2026-03-01T00:00:00+08:00')).toBe(midnight)
    expect(seconds(null)).toBeNull()
    expect(seconds('no time')).toBeNull()
  })
  it('spans in their two largest units', () => {
    expect(span(59, 'zh')).toBe('59 秒')
    expect(span(3900, 'zh')).toBe('1 小时 5 分')
    expect(span(90000, 'en')).toBe('1 d 1 h')
    expect(ago(midnight - 180, midnight, 'zh')).toBe('3 分钟前')
  })
})

describe('figures keep the exact text', () => {
  // GB/T 8170-2008 clause 3, examples as printed.
  it.each([['12.1498', 0, '12'], ['12.1498', 1, '12.1'], ['10.5002', 0, '11'], ['1.050', 1, '1.0'], ['0.35', 1, '0.4'], ['-0.0365', 3, '-0.036'], ['2.5', 0, '2'], ['3.5', 0, '4']])('%s to %d places is %s', (text, places, printed) => {
    expect(roundText(text, places as number)).toBe(printed)
  })
  it('pads, and never shows minus zero', () => {
    expect(figure('7', 2)).toBe('7.00')
    expect(figure('-0.001', 2)).toBe('0.00')
  })
  it('missing is a dash, zero is zero', () => {
    expect(figure(null, 2)).toBe('—')
    expect(figure('0', 1)).toBe('0.0')
  })
  it('beyond binary precision', () => {
    expect(figure('123456789012.345678', 6)).toBe('123456789012.345678')
  })
})

it('units as people write them', () => {
  expect(unitText('ug/m3')).toBe('µg/m³')
  expect(unitText('1')).toBe('')
  expect(unitText('mg/L')).toBe('mg/L')
})

it('bytes', () => {
  expect(bytes(1536)).toBe('1.5 KiB')
  expect(bytes(null)).toBe('—')
})

it('a hex dump in rows of sixteen', () => {
  const rows = hexRows('23233031 30310d0a'.repeat(3))
  expect(rows[0]).toEqual({ offset: '0000', hex: '23 23 30 31 30 31 0d 0a 23 23 30 31 30 31 0d 0a', text: '##0101··##0101··' })
  expect(rows[1].offset).toBe('0010')
})
