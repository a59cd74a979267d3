/** The node's HTTP API: its words as types, and one way to ask. Times ending in `_at` and `at`: µs; `time`, `start`, `end`: s. */

import { t } from './i18n'
import { asOf, atMoment } from './past'

export type Id = string | number

export interface Words {
  zh: string
  en: string
}

export type SiteState = 'ok' | 'warn' | 'bad' | 'unknown' | 'silent'

export interface SiteDot {
  id: string
  name: string
  kind: string
  lon: number | null
  lat: number | null
  status: SiteState
  level: number | null
  judge: string | null
  figure: string | null
  unit: string | null
  label_zh: string | null
  label_en: string | null
  deciding: string[]
  at: number | null
  verdict: number | null
  silent_for: number | null
  enterprise?: string | null
  enterprise_name?: string | null
  river?: string | null
  order_km?: string | number | null
  target_class?: number | null
}

export interface ClockRow extends Words {
  name: string
  state: 'running' | 'paused' | 'stopped' | 'unknown'
  unit: string
  due: string | null
  remaining_text: string
  late: boolean
  paused: boolean
  escalations: (Words & { name: string; to: string; at: number })[]
  [more: string]: any
}

export interface MoveSpec {
  old: number
  new: number
  states_added: string[]
  states_removed: string[]
  states_changed: string[]
  steps_added: string[]
  steps_removed: string[]
  steps_changed: Record<string, string[]>
  state: string
  becomes: string
  states: Record<string, Words>
}

export interface SavedView {
  id: string
  name: string
  person: string
  mine: boolean
  shared: boolean
  q: string
  states: string[]
  where: Record<string, string>
  columns: string[]
  order: string
}

export interface RecordRow {
  id: string
  type?: string
  version: number
  state: string
  created_at?: number
  updated_at?: number
  updated_by?: string
  [field: string]: any
}

export interface AlarmRow extends RecordRow {
  rule: string
  subject: string
  subject_name?: string
  subject_kind?: string | null
  judge: string | null
  factor: string | null
  level: number | null
  opened_at: string | number | null
  started_at: string | number | null
  ended_at: string | number | null
  peak_figure: string | null
  last_figure: string | null
  unit: string | null
  limit: string | null
  case: string | null
  sentence_zh: string
  sentence_en: string
}

export interface CaseRow extends RecordRow {
  title: string
  kind: string
  subject: string
  subject_name?: string
  subject_kind?: string | null
  overdue?: boolean
  owner: string | null
  deadline: string | number | null
  opened_at: string | number | null
  level: number | null
}

export interface Change extends Words {
  at: number
  topic: string
  subject: string | null
  ref: any
}

export interface Overview {
  now: number
  jurisdiction: any
  sites: SiteDot[]
  alarms: AlarmRow[]
  cases: CaseRow[]
  changes: Change[]
  counts: Record<string, number>
}

export interface Latest extends Words {
  series: number
  factor: string
  unit: string
  decimals: number | null
  stat: string
  period: string
  value: string | null
  flag: string
  flag_zh: string
  flag_en: string
  time: number
  received_at: number | null
  limit: string | null
  exceeds: boolean | null
  seq?: number
}

export interface VerdictItem extends Words {
  factor: string
  figure: string | null
  unit: string
  status: string
  limit: string | null
  grade: string | null
  multiple: string | null
  clause: string
  reason: string
  readings?: { series: number; time: number; seq: number }[]
}

export interface Verdict {
  id: number
  judge: string
  subject: string
  window: { period: string; start: number; end: number }
  status: 'attains' | 'exceeds' | 'cannot_judge'
  figure: string | null
  unit: string
  limit: string | null
  clause: string
  edition: string
  level: number | null
  label_zh: string
  label_en: string
  deciding: string[]
  items: VerdictItem[]
  sentence_zh: string
  sentence_en: string
  computed_at: number
  [more: string]: any
}

export interface SitePage {
  site: RecordRow
  enterprise: RecordRow | null
  outlets: RecordRow[]
  limits: RecordRow[]
  devices: RecordRow[]
  latest: Latest[]
  verdicts: Verdict[]
  alarms: AlarmRow[]
  cases: CaseRow[]
}

export interface SeriesPage {
  factor: string
  unit: string
  zh: string
  en: string
  decimals: number | null
  stat: string
  period: string
  from: number
  to: number
  series: number | null
  points: [number, string | null, string, number][]
  limits: { value: string; unit: string; label_zh: string; label_en: string; clause: string; at_least?: boolean }[]
  count: number
  cut: number
  /** a long curve is drawn from windows of this period, not from single readings */
  windows?: { period: string; zh: string; en: string; label: string }
}

export interface WhyNode {
  kind: 'case' | 'alarm' | 'verdict' | 'item' | 'reading' | 'frame' | 'raw'
  title_zh: string
  title_en: string
  figure?: string | null
  unit?: string | null
  facts?: (Words & { value: any; value_en?: any })[]
  children?: WhyNode[]
  hex?: string
  text?: string
  crc_in_frame?: string | null
  crc_computed?: string | null
  crc_ok?: boolean | null
  segment?: number
  offset?: number
  received_at?: number
  peer?: string
}

export interface FieldSpec extends Words {
  name: string
  kind: string
  required?: boolean
  unit?: string
  codes?: (Words & { code: string })[]
  to?: string
  many?: boolean
  pattern?: string
  minimum?: string
  maximum?: string
  personal?: boolean
  indexed?: boolean
  secret?: boolean
  identifies?: boolean
  help_zh?: string
  help_en?: string
}

export interface StepSpec extends Words {
  name: string
  fields: FieldSpec[]
  needs?: string[]
  allowed?: boolean
  missing?: Words[]
  sources?: string[]
  target?: string
  by?: string[]
}

export interface TypeSpec extends Words {
  id: string
  title: string
  editable?: boolean
  listed: string[]
  fields: FieldSpec[]
  procedure?: {
    initial: string
    states: (Words & { state: string })[]
    transitions: StepSpec[]
    clocks?: (Words & { name: string })[]
  } | null
  versions?: number[]
}

export interface HistoryRow extends Words {
  version: number
  at: number
  actor: string
  step: string
  state_before: string
  state_after: string
  before: Record<string, any>
  after: Record<string, any>
  given: Record<string, any>
  note: string
  [more: string]: any
}

export interface CasePage {
  case: CaseRow
  history: HistoryRow[]
  alarms: AlarmRow[]
  verdicts: Verdict[]
  recovery: {
    condition: any
    have: Verdict[]
    need: number
    held: boolean
    missing: Words[]
    [more: string]: any
  } | null
  steps: StepSpec[]
}

export interface LinkRow {
  mn: string
  name: string | null
  site: string | null
  site_name?: string | null
  state: 'online' | 'late' | 'silent' | 'gone' | 'quarantine'
  last_at: number | null
  rate_per_min: number | null
  rejects: number | null
  crc_guess: string | null
  clock_offset_s: number | null
  gaps: number | null
  peer: string | null
}

export interface FrameRow {
  at: number
  received_at?: number
  direction: 'in' | 'out'
  text: string
  decoded: any
  verdict: string | null
  [more: string]: any
}

export interface CommandRow {
  id: Id
  cn: string
  state: string
  created_at: number
  [field: string]: any
}

export interface CommandParam extends Words {
  name: string
  form: string
  required: boolean
  default: string
}

export interface CommandSpec extends Words {
  cn: string
  group: string
  editions: number[]
  params: CommandParam[]
}

export interface LinkPage extends Omit<LinkRow, 'gaps' | 'rejects'> {
  profile: Record<string, any> | null
  frames: FrameRow[]
  rejects: any
  gaps: any
  commands: CommandRow[]
  advice: Words[]
  [more: string]: any
}

export interface FactorSpec extends Words {
  id: string
  unit: string
  decimals: number | null
  medium: string
  code: string
}

export interface SessionInfo {
  name: string
  roles: string[]
  csrf: string
  /** what comes before anything else */
  must?: 'password' | 'second-factor'
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly body: any = {},
  ) {
    super(message)
  }
  /** What a guard still waits for, when a step was refused. */
  get missing(): Words[] {
    return Array.isArray(this.body?.missing) ? this.body.missing : []
  }
  /** Field name to problem, when a record was not valid. */
  get problems(): Record<string, string> {
    const found = this.body?.problems ?? this.body?.fields
    return found && typeof found === 'object' ? found : {}
  }
}

let csrf = ''
let onUnauthorised: () => void = () => {}

export function setCsrf(token: string): void {
  csrf = token
}

/** For requests that `ask` does not make. */
export const csrfHeader = (): Record<string, string> => ({ 'X-Jinyun-CSRF': csrf })

export function whenUnauthorised(handler: () => void): void {
  onUnauthorised = handler
}

export type Query = Record<string, string | number | boolean | null | undefined>

/** `path?…` with empty parameters left out. */
export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return text ? `${path}?${text}` : path
}

async function ask<T>(method: string, url: string, body?: unknown, quiet = false): Promise<T> {
  if (asOf.value !== null && method !== 'GET' && !url.startsWith('/api/session')) throw new ApiError(-1, 'past', t('past.readonly'))
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = body instanceof Blob ? 'application/octet-stream' : 'application/json'
  if (method !== 'GET') headers['X-Jinyun-CSRF'] = csrf
  let answer: Response
  try {
    answer = await fetch(method === 'GET' ? atMoment(url) : url, {
      method,
      headers,
      credentials: 'same-origin',
      body: body === undefined ? undefined : body instanceof Blob ? body : JSON.stringify(body),
    })
  } catch {
    throw new ApiError(0, 'unreachable', 'unreachable')
  }
  if (answer.status === 204) return undefined as T
  let data: any = null
  try {
    data = await answer.json()
  } catch {
    if (answer.ok) throw new ApiError(answer.status, 'not-json', `${url}: no JSON`)
  }
  if (!answer.ok) {
    if (answer.status === 401 && !quiet) onUnauthorised()
    const error = data?.error ?? {}
    throw new ApiError(answer.status, error.code ?? String(answer.status), error.message ?? answer.statusText, error)
  }
  return data as T
}

export const get = <T>(path: string, query?: Query) => ask<T>('GET', address(path, query))
export const post = <T>(path: string, body: unknown = {}) => ask<T>('POST', path, body)
export const upload = <T>(path: string, file: Blob) => ask<T>('POST', path, file)
export const patch = <T>(path: string, body: unknown) => ask<T>('PATCH', path, body)
export const put = <T>(path: string, body: unknown) => ask<T>('PUT', path, body)
export const del = <T>(path: string) => ask<T>('DELETE', path)

/** Log-in and its check do not send the person to the log-in page again. */
export const session = {
  get: () => ask<SessionInfo>('GET', '/api/session', undefined, true),
  open: (name: string, password: string, code = '') => ask<SessionInfo>('POST', '/api/session', { name, password, code }, true),
  password: (old: string, fresh: string) => ask<void>('POST', '/api/account/password', { old, new: fresh }, true),
  close: () => ask<void>('DELETE', '/api/session', undefined, true),
}

/** Lists come bare or as `{items, total}`; both read alike. */
export function items<T>(answer: any): T[] {
  if (Array.isArray(answer)) return answer
  if (Array.isArray(answer?.items)) return answer.items
  return []
}

export const enc = encodeURIComponent
