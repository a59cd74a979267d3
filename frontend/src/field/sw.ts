/** Service worker of the field page: keeps its shell and the base map on the phone. It never touches other requests. */
export {}

interface Shell {
  version: string
  files: string[]
}
const worker = self as any
const shell = '__JINYUN_SHELL__' as unknown as Shell
const KEPT = `jinyun-field-${shell.version}`
const MAPS = 'jinyun-field-maps'
const LAYERS = ['cities', 'districts', 'rivers', 'labels'].map((name) => `/api/basemap/${name}`)

worker.addEventListener('install', (event: any) => {
  event.waitUntil(
    (async () => {
      const kept = await caches.open(KEPT)
      await kept.addAll(shell.files.map((path) => new Request(path, { cache: 'reload' })))
      const maps = await caches.open(MAPS)
      await Promise.allSettled(LAYERS.map((path) => maps.add(path))) // without them the map is bare, the page works
    })(),
  )
})

worker.addEventListener('activate', (event: any) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name.startsWith('jinyun-field-') && name !== KEPT && name !== MAPS) await caches.delete(name)
      await worker.clients.claim()
    })(),
  )
})

worker.addEventListener('message', (event: any) => {
  if (event.data === 'take-over') worker.skipWaiting() // the person pressed "update"
})

worker.addEventListener('fetch', (event: any) => {
  const request: Request = event.request
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== location.origin) return
  if (LAYERS.includes(url.pathname)) event.respondWith(map(request))
  else if (shell.files.includes(url.pathname) && (mine(url.pathname) || mine(fromPage(request)))) event.respondWith(fromShell(url.pathname, request))
})

/** Named by its content, or the field page's own: what other pages share by name they get from the node. */
const mine = (path: string): boolean => path === '/field' || path.startsWith('/field/') || path.startsWith('/assets/')
const fromPage = (request: Request): string => (request.referrer ? new URL(request.referrer).pathname : '')

async function fromShell(path: string, request: Request): Promise<Response> {
  return (await (await caches.open(KEPT)).match(path)) ?? fetch(request)
}

/** The kept layer at once; a newer one is taken for the next time. */
async function map(request: Request): Promise<Response> {
  const maps = await caches.open(MAPS)
  const kept = await maps.match(request.url)
  const fresh = fetch(request).then((answer) => {
    if (answer.ok) void maps.put(request.url, answer.clone())
    return answer
  })
  if (!kept) return fresh
  fresh.catch(() => undefined)
  return kept
}
