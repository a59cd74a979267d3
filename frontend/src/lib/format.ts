/** Words for times and figures. Civil time is China's (UTC+8) whatever the browser thinks. */

export type Lang = 'zh' | 'en'

const EIGHT_HOURS = 8 * 3600

/** Seconds since the epoch from s, µs, or ISO text; null when there is none. */
export function seconds(value: unknown): number | null {
  if (value === null || value === undefined || value === '') return null
  if (typeof value === 'number') return value > 1e11 ? value / 1e6 : value
  const text = String(value)
  if (/^\d+$/.test(text)) return seconds(Number(text))
  const parsed = Date.parse(text)
  return Number.isNaN(parsed) ? null : parsed / 1000
}

const two = (n: number) => String(n).padStart(2, '0')

interface Civil {
  y: number
  m: number
  d: number
  h: number
  min: number
  s: number
}

function civil(at: number): Civil {
  const t = new Date((at + EIGHT_HOURS) * 1000)
  return {
    y: t.getUTCFullYear(), m: t.getUTCMonth() + 1, d: t.getUTCDate(),
    h: t.getUTCHours(), min: t.getUTCMinutes(), s: t.getUTCSeconds(),
  }
}

/** `2026-03-01 08:05`, with seconds when asked. */
export function moment(value: unknown, withSeconds = false): string {
  const at = seconds(value)
  if (at === null) return '—'
  const c = civil(at)
  return `${c.y}-${two(c.m)}-${two(c.d)} ${two(c.h)}:${two(c.min)}${withSeconds ? `:${two(c.s)}` : ''}`
}

/** `03-01 08:05`, for lists of the last days. */
export function shortMoment(value: unknown): string {
  const at = seconds(value)
  if (at === null) return '—'
  const c = civil(at)
  return `${two(c.m)}-${two(c.d)} ${two(c.h)}:${two(c.min)}`
}

/** `08:05:09`. */
export function clock(value: unknown, withSeconds = true): string {
  const at = seconds(value)
  if (at === null) return '—'
  const c = civil(at)
  return `${two(c.h)}:${two(c.min)}${withSeconds ? `:${two(c.s)}` : ''}`
}

/** `2026-03-01`. */
export function day(value: unknown): string {
  return moment(value).slice(0, 10)
}

/** A length of time in its two largest units: `3 小时 5 分`, `3 h 5 min`. */
export function span(length: number, lang: Lang): string {
  const s = Math.max(0, Math.round(Math.abs(length)))
  const w = lang === 'zh' ? [' 天', ' 小时', ' 分', ' 秒'] : [' d', ' h', ' min', ' s']
  if (s < 60) return `${s}${w[3]}`
  if (s < 3600) return `${Math.floor(s / 60)}${w[2]}`
  if (s < 86400) {
    const m = Math.floor((s % 3600) / 60)
    return `${Math.floor(s / 3600)}${w[1]}${m ? ` ${m}${w[2]}` : ''}`
  }
  const h = Math.floor((s % 86400) / 3600)
  return `${Math.floor(s / 86400)}${w[0]}${h ? ` ${h}${w[1]}` : ''}`
}

/** `3 分钟前` and the like, seen from `now`. */
export function ago(value: unknown, now: number, lang: Lang): string {
  const at = seconds(value)
  if (at === null) return '—'
  const d = now - at
  if (d < 5) return lang === 'zh' ? '刚刚' : 'just now'
  return lang === 'zh' ? `${span(d, lang).replace(/ 分$/, ' 分钟')}前` : `${span(d, lang)} ago`
}

const PLAIN_UNITS: Record<string, string> = {
  '1': '', 'ug/m3': 'µg/m³', 'mg/m3': 'mg/m³', 'ng/m3': 'ng/m³', 'ug/L': 'µg/L', 'uS/cm': 'µS/cm', degC: '°C', m3: 'm³',
  'm3/h': 'm³/h', 'm3/s': 'm³/s', 'kg/h': 'kg/h', 'count/L': '个/L', percent: '%', 'm/s': 'm/s', deg: '°',
}

/** A unit as people write it. */
export function unitText(unit: string | null | undefined): string {
  if (!unit) return ''
  return PLAIN_UNITS[unit] ?? unit
}

/** A value as sent, cut to the places a person is shown; text stays exact up to there. Missing is a dash, never zero. */
export function figure(value: string | number | null | undefined, decimals?: number | null): string {
  if (value === null || value === undefined || value === '') return '—'
  const text = String(value)
  if (decimals === null || decimals === undefined || !/^-?\d+(\.\d+)?$/.test(text)) return trimmed(text)
  return roundText(text, decimals)
}

function trimmed(text: string): string {
  return /^-?\d+\.\d+$/.test(text) ? text.replace(/0+$/, '').replace(/\.$/, '') : text
}

/** Round decimal text half to even (GB/T 8170) without passing through binary fractions. */
export function roundText(text: string, places: number): string {
  const negative = text.startsWith('-')
  const [whole, fraction = ''] = text.replace('-', '').split('.')
  const digits = BigInt(whole + fraction.padEnd(places + 1, '0'))
  const drop = BigInt(10) ** BigInt(Math.max(fraction.length, places + 1) - places)
  const half = drop / 2n
  let kept = digits / drop
  const rest = digits % drop
  if (rest > half || (rest === half && kept % 2n === 1n)) kept += 1n
  const out = kept.toString().padStart(places + 1, '0')
  const shown = places ? `${out.slice(0, -places)}.${out.slice(-places)}` : out
  return negative && kept !== 0n ? `-${shown}` : shown
}

const CLASSES = ['', 'Ⅰ', 'Ⅱ', 'Ⅲ', 'Ⅳ', 'Ⅴ', '劣Ⅴ']
const CLASSES_EN = ['', 'I', 'II', 'III', 'IV', 'V', '>V']

/** A water class by its number, 6 being worse than Ⅴ. */
export function waterClass(level: string | number | null | undefined, lang: Lang): string {
  return (lang === 'zh' ? CLASSES : CLASSES_EN)[Number(level)] || String(level ?? '—')
}

/** A verdict's headline figure: classes as numerals, everything else as printed. */
export function judgedFigure(judge: string | null | undefined, text: string | null | undefined, lang: Lang): string {
  if (text === null || text === undefined || text === '') return '—'
  return judge?.startsWith('water.section_class') ? waterClass(text, lang) : text
}

/** Units inside sentences as people write them. */
export function prettyUnits(text: string): string {
  return text.replace(/\bug\//g, 'µg/').replace(/(mg|µg|ng)\/m3(?![\d.])/g, '$1/m³')
}

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? '—' : Math.round(value).toLocaleString('en-US')
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return '—'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let n = value
  let i = 0
  while (n >= 1024 && i < units.length - 1) {
    n /= 1024
    i += 1
  }
  return `${n >= 100 || i === 0 ? n.toFixed(0) : n.toFixed(1)} ${units[i]}`
}

/** Rows of a hex dump: offset, hex pairs, printable text. */
export function hexRows(hex: string, width = 16): { offset: string; hex: string; text: string }[] {
  const clean = hex.replace(/[^0-9a-fA-F]/g, '')
  const rows = []
  for (let i = 0; i < clean.length; i += width * 2) {
    const pairs = clean.slice(i, i + width * 2).match(/../g) ?? []
    rows.push({
      offset: (i / 2).toString(16).padStart(4, '0'),
      hex: pairs.join(' '),
      text: pairs.map((p) => {
        const code = parseInt(p, 16)
        return code >= 32 && code < 127 ? String.fromCharCode(code) : '·'
      }).join(''),
    })
  }
  return rows
}
