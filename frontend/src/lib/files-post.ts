/** A file that the node makes of what is sent to it. */

import { ApiError, csrfHeader } from './api'

export async function postFile(path: string, body: unknown): Promise<void> {
  let answer: Response
  try {
    answer = await fetch(path, { method: 'POST', credentials: 'same-origin', headers: { 'Content-Type': 'application/json', ...csrfHeader() }, body: JSON.stringify(body) })
  } catch {
    throw new ApiError(0, 'unreachable', 'unreachable')
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => null)
    throw new ApiError(answer.status, said?.error?.code ?? String(answer.status), said?.error?.message ?? answer.statusText, said?.error)
  }
  const given = answer.headers.get('content-disposition') ?? ''
  const link = document.createElement('a')
  link.href = URL.createObjectURL(await answer.blob())
  link.download = decodeURIComponent(given.split("filename*=UTF-8''")[1] ?? 'file.zip')
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
