import { describe, expect, it } from 'vitest'
import { inkOn, levelColour, shape, siteColour, statusOf, weight } from '../src/lib/colours'

function contrast(a: string, b: string): number {
  const light = (c: string) => {
    const part = (i: number) => {
      const v = parseInt(c.slice(i, i + 2), 16) / 255
      return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
    }
    return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
  }
  const [x, y] = [light(a), light(b)].sort((p, q) => q - p)
  return (x + 0.05) / (y + 0.05)
}

describe('AQI colours are those of HJ 633-2012 table 3', () => {
  // RGB as printed: 0,228,0 · 255,255,0 · 255,126,0 · 255,0,0 · 153,0,76 · 126,0,35
  it.each([[1, 0, 228, 0], [2, 255, 255, 0], [3, 255, 126, 0], [4, 255, 0, 0], [5, 153, 0, 76], [6, 126, 0, 35]])('level %d', (level, r, g, b) => {
    expect(levelColour('air_station', level)).toBe(`#${[r, g, b].map((v) => v.toString(16).padStart(2, '0')).join('')}`)
    expect(levelColour('air.aqi_hour', level)).toBe(levelColour('air_micro', level))
  })
})

it('water: I and II share blue, every worse class has its own colour', () => {
  expect(levelColour('water_section', 1)).toBe(levelColour('water_section', 2))
  expect(new Set([2, 3, 4, 5, 6].map((n) => levelColour('water.section_class', n))).size).toBe(5)
})

it('text on every class colour meets AA', () => {
  for (const kind of ['water_section', 'air_station', 'water_outlet']) {
    for (const level of [1, 2, 3, 4, 5, 6]) {
      const colour = levelColour(kind, level)
      expect(contrast(colour, inkOn(colour)), `${kind} ${level}`).toBeGreaterThanOrEqual(4.5)
    }
  }
})

it('a silent site is grey whatever it said last', () => {
  expect(siteColour({ kind: 'water_section', status: 'silent', level: 6 })).toBe(siteColour({ kind: 'air_station', status: 'silent', level: 1 }))
})

it('each kind has its own shape', () => {
  const kinds = ['water_section', 'water_micro', 'air_station', 'air_micro', 'water_outlet', 'stack_outlet', 'river_outlet']
  expect(new Set(kinds.map(shape)).size).toBe(kinds.length)
})

it('a live verdict moves a site as the node would', () => {
  const section = { kind: 'water_section', target_class: 2 }
  const judge = 'water.section_class'
  expect([2, 3, 4].map((level) => statusOf(section, { judge, status: 'exceeds', level }))).toEqual(['ok', 'warn', 'bad'])
  expect(statusOf(section, { judge, status: 'cannot_judge', level: null })).toBe('unknown')
  expect(statusOf({ kind: 'stack_outlet' }, { judge: 'emission.outlet_now', status: 'exceeds', level: 5 })).toBe('warn')
  expect(statusOf({ kind: 'stack_outlet' }, { judge: 'emission.outlet_hour', status: 'exceeds', level: 5 })).toBe('bad')
})

it('the worst lies on top', () => {
  expect(weight({ kind: 'water_outlet', status: 'bad', level: 5 })).toBeGreaterThan(weight({ kind: 'water_section', status: 'ok', level: 2 }))
})
