/** The list of complaints in pages, with what must not wait on the first of them. */

import { get, type Query, type RecordRow } from './api'

export const PAGE = 100
const URGENT = 'event,drinking_water,crowd'

interface Found {
  items: RecordRow[]
  total: number
}

export const isLate = (row: RecordRow): boolean => (row.clocks ?? []).some((one: any) => one.late && one.state !== 'stopped')
const register = (query: Query) => get<Found>('/api/records/complaint', query)

/** A page, late and urgent first. The node orders by one field, so those are asked for apart and put before the first page
 *  when there is more than one. */
export async function complaintPage(asked: Query, offset: number): Promise<Found> {
  const found = await register({ ...asked, limit: PAGE, offset })
  const pressing = offset === 0 && found.total > PAGE
  const [late, urgent] = pressing
    ? await Promise.all([asked.late ? null : register({ ...asked, late: 1, order: 'received_at', limit: PAGE }), register({ ...asked, urgent: URGENT, limit: PAGE })])
    : [null, null]
  const rows = [...new Map([...(late?.items ?? []), ...(urgent?.items ?? []), ...found.items].map((one) => [one.id, one])).values()]
  return { ...found, items: rows.sort((a, b) => Number(isLate(b)) - Number(isLate(a)) || Number(!!b.urgent) - Number(!!a.urgent)) }
}
