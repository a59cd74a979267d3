/** Files that the node makes: fetched first, so that a refusal is shown and not saved. */

import { address, ApiError, type Query } from './api'

export async function saveFile(path: string, query: Query): Promise<void> {
  let answer: Response
  try {
    answer = await fetch(address(path, query), { credentials: 'same-origin' })
  } catch {
    throw new ApiError(0, 'unreachable', 'unreachable')
  }
  if (!answer.ok) {
    const body = await answer.json().catch(() => null)
    throw new ApiError(answer.status, body?.error?.code ?? String(answer.status), body?.error?.message ?? answer.statusText, body?.error)
  }
  const given = answer.headers.get('content-disposition') ?? ''
  const link = document.createElement('a')
  link.href = URL.createObjectURL(await answer.blob())
  link.download = decodeURIComponent(given.split("filename*=UTF-8''")[1] ?? 'report')
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
