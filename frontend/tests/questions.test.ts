import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Component } from 'vue'
import CasesPage from '../src/pages/CasesPage.vue'
import ComplaintsPage from '../src/pages/ComplaintsPage.vue'
import RecordsPage from '../src/pages/RecordsPage.vue'
import SearchPage from '../src/pages/SearchPage.vue'
import AdminAudit from '../src/parts/AdminAudit.vue'
import { node, started } from './setup'

beforeEach(() => vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} }))
afterEach(() => vi.unstubAllGlobals())

const FAILED: [number, unknown] = [500, { error: { code: 'internal', message: 'no' } }]
const ROWS: [number, unknown] = [200, { items: [{ id: 'a' }], total: 1, groups: [], left_out: [], q: 'x' }]

it.each<[string, Component, string]>([
  ['complaints', ComplaintsPage, '/api/records/complaint'],
  ['a register', RecordsPage, '/api/records/undefined'],
  ['the search', SearchPage, '/api/search'],
  ['the audit', AdminAudit, '/api/audit'],
])('a changed filter of %s that fails leaves no rows of another', async (_, page, path) => {
  node({ [`GET ${path}`]: [ROWS, FAILED], 'GET /api/types/undefined': [200, { id: 'site', fields: [], listed: [] }] })
  const { state } = await started(page)
  state.words = 'x'
  await state.load()
  expect([state.data !== null, state.error]).toEqual([true, null])
  state.again()
  await vi.waitFor(() => expect(state.error?.status).toBe(500), 2_000)
})

describe('the case desk', () => {
  const rows = (n: number) => Array.from({ length: n }, (_, i) => ({ id: `c${i}`, title: i ? 'other' : 'outlet', state: 'opened', owner: 'u', kind: 'other' }))

  it('filters here what is all here', async () => {
    const asked = node({ 'GET /api/cases': [200, { items: rows(3), total: 3 }] })
    const { state } = await started(CasesPage)
    await state.load()
    const question = state.question
    state.words = 'outlet'
    expect([state.rows.length, state.question, state.firstOnly, state.paged]).toEqual([1, question, false, false])
    expect(state.csv).toEqual({ id: 'c0' })
    expect(asked.filter((one) => one.startsWith('GET /api/records/case'))).toEqual([])
  })

  it('says that more is open than is shown, and has the node filter it', async () => {
    node({ 'GET /api/cases': [200, { items: rows(500), total: 24_758 }], 'GET /api/records/case': [200, { items: rows(100), total: 4_000 }] })
    const { state } = await started(CasesPage)
    await state.load()
    expect([state.firstOnly, state.paged, state.data.total]).toEqual([true, true, 24_758])
    const question = state.question
    state.overdue = true
    expect(state.question).not.toBe(question)
    await state.load()
    expect([state.data.total, state.paged, state.firstOnly, state.rows.length]).toEqual([4_000, true, false, 100])
    state.board = true // the board has no pages
    expect([state.paged, state.firstOnly]).toEqual([false, true])
  })

  it('closed cases come in pages', async () => {
    node({ 'GET /api/records/case': [200, { items: rows(100), total: 100_000 }] })
    const { state } = await started(CasesPage)
    state.state = 'closed'
    await state.load()
    expect([state.data.total, state.paged, state.firstOnly, state.size]).toEqual([100_000, true, false, 100])
  })
})
