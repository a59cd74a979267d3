import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { casePage, openCases, type CaseAsk } from '../src/lib/caselist'
import { complaintPage } from '../src/lib/complaintlist'
import { asOf } from '../src/lib/past'

let asked: URL[] = []
let answer: (url: URL) => any = () => ({ items: [], total: 0 })
const rows = (...ids: string[]) => ids.map((id) => ({ id }))
const given = (url: URL) => Object.fromEntries(url.searchParams)

beforeEach(() => {
  asked = []
  vi.stubGlobal('fetch', async (text: string) => {
    const url = new URL(text, 'http://node')
    asked.push(url)
    return new Response(JSON.stringify(answer(url)))
  })
})
afterEach(() => {
  asOf.value = null
  vi.unstubAllGlobals()
})

const ALL: CaseAsk = { state: 'open', words: '', kind: '', owner: '', mine: '', overdue: false }

it('what is open is asked for as the node has it ready', async () => {
  await openCases(0)
  await openCases(500)
  expect(asked.map((one) => one.pathname + one.search)).toEqual(['/api/cases?state=open', '/api/cases?state=open&offset=500'])
})

it('filters and pages of cases go to the node', async () => {
  answer = () => ({ items: rows('c'), total: 100_000 })
  const found = await casePage({ ...ALL, state: 'closed', words: ' 排口 ', kind: 'water', owner: 'u1' }, 100, 300)
  expect(found.total).toBe(100_000)
  expect(asked[0].pathname).toBe('/api/records/case')
  expect(given(asked[0])).toEqual({ q: '排口', kind: 'water', owner: 'u1', state: 'closed,merged', limit: '100', offset: '300' })
  await casePage({ ...ALL, overdue: true }, 100, 0)
  const late = given(asked[1])
  expect([late.overdue, late.order]).toEqual(['true', '-overdue'])
  // Every state of an open case but the one in which its deadline is met.
  expect(late.state.split(',').sort()).toEqual(['accepted', 'acknowledged', 'acting', 'dispatched', 'opened', 'reopened', 'reported', 'returned', 'suspended', 'verified'])
})

it('looking back asks the register of the moment too', async () => {
  asOf.value = '2026-03-01T08:00'
  await casePage({ ...ALL, state: 'closed' }, 100, 0)
  expect(given(asked[0]).as_of).toBe('2026-03-01T08:00')
})

it("one's own are those one acts on and those in one's name, each once", async () => {
  answer = (url) => (url.searchParams.has('person') ? { items: rows('a', 'b'), total: 2 } : { items: rows('b', 'c'), total: 700 })
  const found = await casePage({ ...ALL, mine: 'li' }, 100, 0)
  expect(found.items.map((one) => one.id)).toEqual(['a', 'b', 'c'])
  expect(found.total).toBe(3 + 698) // those not seen are said
})

it('late and urgent complaints stand on the first page however many there are', async () => {
  const late = { id: 'late', clocks: [{ late: true, state: 'running' }] }
  answer = (url) => {
    if (url.searchParams.has('late')) return { items: [late], total: 1 }
    if (url.searchParams.has('urgent')) return { items: [{ id: 'urgent', urgent: 'event' }], total: 1 }
    return { items: rows('new', 'newer'), total: 5_000 }
  }
  const first = await complaintPage({ state: 'registered' }, 0)
  expect(first.items.map((one) => one.id)).toEqual(['late', 'urgent', 'new', 'newer'])
  expect(first.total).toBe(5_000)
  expect(asked.every((one) => one.searchParams.get('state') === 'registered')).toBe(true)
  expect((await complaintPage({}, 100)).items.map((one) => one.id)).toEqual(['new', 'newer'])
})
