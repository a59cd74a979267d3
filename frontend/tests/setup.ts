/** The state of a page or part without a browser: its script runs, its template once as text. */

import { createSSRApp, type Component } from 'vue'
import { renderToString } from 'vue/server-renderer'
import { createMemoryHistory, createRouter } from 'vue-router'
import { vi } from 'vitest'

export async function started(part: Component, props: Record<string, unknown> = {}): Promise<{ state: any; html: string }> {
  let state: any
  const app = createSSRApp(part, props)
  app.mixin({
    created() {
      if (this.$options.__file === (part as any).__file) state ??= this.$.setupState
    },
  })
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:rest(.*)*', component: {} }] })
  app.use(router)
  const { ID_INJECTION_KEY, ZINDEX_INJECTION_KEY } = await import('element-plus')
  app.provide(ID_INJECTION_KEY, { prefix: 1, current: 0 }).provide(ZINDEX_INJECTION_KEY, { current: 0 })
  const html = await renderToString(app)
  return { state, html }
}

type Answer = [status: number, body: unknown] | 'down'

/** A node that answers `METHOD /path` as told, and what it was asked. A list of answers is used up one by one. */
export function node(answers: Record<string, Answer | Answer[]>): string[] {
  const asked: string[] = []
  vi.stubGlobal('fetch', async (url: string, init: { method?: string } = {}) => {
    const key = `${init.method ?? 'GET'} ${url.split('?')[0]}`
    asked.push(key)
    const found = answers[key] ?? ([404, { error: { code: 'not-found', message: `no ${key}` } }] as Answer)
    const answer = Array.isArray(found[0]) ? (found as Answer[]).shift()! : (found as Answer)
    if (answer === 'down') throw new TypeError('no network')
    return new Response(answer[0] === 204 ? null : JSON.stringify(answer[1]), { status: answer[0] })
  })
  return asked
}
