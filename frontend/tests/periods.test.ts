import { describe, expect, it } from 'vitest'
import { changeText, choices, converted, figureText, lastMonth, periodName, stepped, type PeriodFigure } from '../src/lib/periods'

const figure = (more: Partial<PeriodFigure>): PeriodFigure => ({
  id: 'x', zh: '', en: '', figure: '1', unit: '', limit: null, status: null, before: '1', change: '0', change_unit: '',
  change_percent: null, better: null, reason_zh: '', reason_en: '', ...more,
})

describe('periods', () => {
  it('steps over years', () => {
    expect(stepped('month', '2026-01', -1)).toBe('2025-12')
    expect(stepped('month', '2026-12', 1)).toBe('2027-01')
    expect(stepped('quarter', '2026-Q1', -1)).toBe('2025-Q4')
    expect(stepped('quarter', '2026-Q4', 2)).toBe('2027-Q2')
    expect(stepped('year', '2026', -1)).toBe('2025')
    expect(stepped('ytd', '2026-01', -1)).toBe('2025-12')
  })
  it('one kind becomes another at its end', () => {
    expect(converted('month', '2026-10', 'quarter')).toBe('2026-Q4')
    expect(converted('quarter', '2026-Q2', 'month')).toBe('2026-06')
    expect(converted('year', '2026', 'quarter')).toBe('2026-Q4')
    expect(converted('ytd', '2026-05', 'year')).toBe('2026')
    expect(lastMonth('year', '2026', '2026-11')).toBe('2026-11')
    expect(lastMonth('year', '2025', '2026-11')).toBe('2025-12')
  })
  it('has the names bulletins use', () => {
    expect(periodName('quarter', '2026-Q3', 'zh')).toBe('2026年第三季度')
    expect(periodName('ytd', '2026-10', 'zh')).toBe('2026年1—10月')
    expect(periodName('ytd', '2026-01', 'zh')).toBe('2026年1月')
    expect(periodName('month', '2026-10', 'en')).toBe('2026-10')
  })
  it('offers what has data, newest first', () => {
    expect(choices('month', '2025-11-03', '2026-02-01')).toEqual(['2026-02', '2026-01', '2025-12', '2025-11'])
    expect(choices('quarter', '2025-11-03', '2026-02-01')).toEqual(['2026-Q1', '2025-Q4'])
    expect(choices('year', null, null)).toEqual([])
  })
})

describe('figures', () => {
  it('a change has its unit; sound levels none in per cent; none at all is said', () => {
    expect(changeText(figure({ change: '+7.1', change_unit: '百分点' }), 'zh')).toBe('+7.1 百分点')
    expect(changeText(figure({ change: '-2', change_unit: 'ug/m3', change_percent: '-6.7' }), 'en')).toBe('-2 µg/m³ (-6.7%)')
    expect(changeText(figure({ change: '-0.5', change_unit: 'dB(A)', change_percent: '-0.8' }), 'zh')).toBe('-0.5 dB(A)')
    expect(changeText(figure({ change: '0.0', change_unit: '百分点' }), 'zh')).toBe('同比持平')
    expect(changeText(figure({ change: null }), 'zh')).toBe('')
  })
  it('classes are numerals, words have both languages, missing is a dash', () => {
    expect(figureText({ id: 'class', figure: '6' }, 'zh')).toBe('劣Ⅴ')
    expect(figureText({ id: 'status', figure: '良好', figure_en: 'good' }, 'en')).toBe('good')
    expect(figureText({ id: 'x', figure: null }, 'zh')).toBe('—')
  })
})
