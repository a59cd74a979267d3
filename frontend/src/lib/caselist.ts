/** What the case desk asks the node. All that is open comes from the list that the node keeps ready, worst first, 500 at a
 *  time; a filter over more than that, and what is closed, are pages of the register. */

import { get, type CaseRow, type Query } from './api'
import { COLUMNS } from './desk'

export const READY = 500
export const PAGE = 100
const OPEN = COLUMNS.flatMap((one) => one.states)

export interface CaseAsk {
  state: 'open' | 'closed' | 'all'
  words: string
  kind: string
  owner: string
  /** Only those of this account. */
  mine: string
  overdue: boolean
}
export interface CaseList {
  items: CaseRow[]
  total: number
}

export const filtered = (asked: CaseAsk): boolean => !!(asked.words.trim() || asked.kind || asked.owner || asked.mine || asked.overdue)

/** The question to the register of cases, but for whose they are. What is observed is not late any more. */
export function caseQuery(asked: CaseAsk): Query {
  const open = asked.overdue ? OPEN.filter((one) => one !== 'observing') : OPEN
  return {
    q: asked.words.trim(), kind: asked.kind, owner: asked.owner, overdue: asked.overdue ? 'true' : '',
    state: { open: open.join(','), closed: 'closed,merged', all: '' }[asked.state],
    order: asked.state === 'open' ? '-overdue' : '',
  }
}

/** Everything open: the first of it by exactly the address that the node has an answer ready for. */
export const openCases = (offset: number) => get<CaseList>('/api/cases', { state: 'open', offset: offset || '' })

const register = (query: Query) => get<CaseList>('/api/records/case', query)

/** A page of the register; somebody's own at once, up to what is kept of a list. */
export async function casePage(asked: CaseAsk, limit: number, offset: number): Promise<CaseList> {
  if (!asked.mine) return register({ ...caseQuery(asked), limit, offset })
  const query = { ...caseQuery(asked), limit: READY }
  const others = asked.owner && asked.owner !== asked.mine // in another's name: theirs only when they act on it
  const [acting, named] = await Promise.all([
    register({ ...query, person: asked.mine }),
    others ? { items: [], total: 0 } : register({ ...query, owner: asked.mine }), // the node takes no "or"
  ])
  const rows = [...new Map([...acting.items, ...named.items].map((one) => [one.id, one])).values()]
  return { items: rows, total: rows.length + acting.total - acting.items.length + named.total - named.items.length }
}
