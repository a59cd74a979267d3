import { beforeEach, expect, it, vi } from 'vitest'
import { createSSRApp, type Component } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { renderToString } from 'vue/server-renderer'
import CasesPage from '../src/pages/CasesPage.vue'
import ComplaintsPage from '../src/pages/ComplaintsPage.vue'
import RecordsPage from '../src/pages/RecordsPage.vue'
import RectificationPage from '../src/pages/RectificationPage.vue'

beforeEach(() => vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} }))

async function csvLink(page: Component, path: string): Promise<URL> {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/records/:type', component: page }, { path: '/:rest(.*)', component: page }] })
  await router.push(path)
  const html = await renderToString(createSSRApp(page).use(router))
  const found = /data-test="csv" href="([^"]*)"|href="([^"]*)"[^>]*data-test="csv"/.exec(html)!
  return new URL((found[1] ?? found[2]).replaceAll('&amp;', '&'), 'http://node')
}

it.each<[string, Component, string]>([
  ['/cases', CasesPage, 'case'], ['/complaints', ComplaintsPage, 'complaint'], ['/rectification', RectificationPage, 'rectification'], ['/records/site?q=a', RecordsPage, 'site'],
])('an export of %s is all of it', async (path, page, type) => {
  const link = await csvLink(page, path)
  expect(link.pathname).toBe(`/api/records/${type}`)
  expect(link.searchParams.get('format')).toBe('csv')
  expect([link.searchParams.has('limit'), link.searchParams.has('offset')]).toEqual([false, false]) // with neither the node gives everything
})
