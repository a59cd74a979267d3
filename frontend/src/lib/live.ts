/** One EventSource for the whole page: who cares subscribes; silence shows as "stale". */

import { computed, onScopeDispose, ref } from 'vue'
import { seconds } from './format'
import { asOf, pastSeconds } from './past'

export const TOPICS = ['reading', 'verdict', 'alarm', 'case', 'link', 'system', 'notice'] as const
export type Topic = (typeof TOPICS)[number]
export type Handler = (event: any, topic: Topic) => void

const QUIET_AFTER = 45_000 // ms without any event: ask for the stream anew, which also tells whether the node is there
const OPEN_WITHIN = 10_000 // ms for that to succeed
const FIRST_WAIT = 1_000
const LONGEST_WAIT = 20_000

const handlers = new Map<Topic, Set<Handler>>(TOPICS.map((topic) => [topic, new Set<Handler>()]))
const reopened = new Set<() => void>()

export const connection = ref<'connecting' | 'live' | 'stale'>('connecting')
export const lastContact = ref(0) // ms of this browser's clock

/** The node's clock may be scaled or differ from ours: remember where it stood, and how fast it runs. */
const clockAt = ref({ node: Date.now() / 1000, local: Date.now() })
let clockRate = 1
export const tick = ref(Date.now())

export function sawNow(value: unknown): void {
  const node = seconds(value)
  if (node === null || asOf.value !== null) return
  const before = clockAt.value
  const local = Date.now()
  const passed = (local - before.local) / 1000
  if (passed > 20 && started) {
    const rate = (node - before.node) / passed
    if (rate > 0.2 && rate < 1e5) clockRate = Math.abs(rate - 1) < 0.05 ? 1 : rate
  }
  if (!started || passed > 20 || Math.abs(node - nodeNow(local)) > 2) clockAt.value = { node, local }
  started = true
}
let started = false

function nodeNow(local: number): number {
  return clockAt.value.node + ((local - clockAt.value.local) / 1000) * clockRate
}

/** The node's time, or the moment looked back to. [s] */
export const now = computed(() => pastSeconds.value ?? nodeNow(tick.value))

let source: EventSource | null = null
let wait = FIRST_WAIT
let retry: ReturnType<typeof setTimeout> | undefined
let beat: ReturnType<typeof setInterval> | undefined
let wasOpen = false

function contact(): void {
  lastContact.value = Date.now()
  connection.value = 'live'
  wait = FIRST_WAIT
}

function open(): void {
  clearTimeout(retry)
  source?.close()
  const stream = new EventSource(`/api/events?topics=${TOPICS.join(',')}`)
  source = stream
  stream.onopen = () => {
    contact()
    if (wasOpen && asOf.value === null) reopened.forEach((call) => call()) // something may have been missed
    wasOpen = true
  }
  stream.onerror = () => {
    connection.value = 'stale'
    stream.close()
    if (source !== stream) return
    retry = setTimeout(open, wait)
    wait = Math.min(wait * 2, LONGEST_WAIT)
  }
  for (const topic of TOPICS) {
    stream.addEventListener(topic, (message) => {
      contact()
      let event: any
      try {
        event = JSON.parse((message as MessageEvent<string>).data)
      } catch {
        return // a broken event is dropped; the next full load mends it
      }
      if (topic !== 'reading' && event?.at) sawNow(event.at)
      if (asOf.value === null || topic === 'notice') handlers.get(topic)?.forEach((call) => call(event, topic))
    })
  }
  for (const name of ['ping', 'hello', 'message']) {
    stream.addEventListener(name, (message) => {
      contact()
      const at = /"at":\s*(\d+)/.exec(String((message as MessageEvent).data ?? ''))?.[1]
      if (at) sawNow(Number(at)) // the node's clock may be scaled: what is late is late by it
    })
  }
  stream.addEventListener('resync', () => {
    contact() // we fell too far behind: read everything anew
    if (asOf.value === null) reopened.forEach((call) => call())
  })
}

export function startLive(): void {
  if (beat) return
  open()
  beat = setInterval(() => {
    tick.value = Date.now()
    const quiet = Date.now() - lastContact.value
    if (connection.value !== 'live') return
    if (quiet > QUIET_AFTER + OPEN_WITHIN) connection.value = 'stale'
    else if (quiet > QUIET_AFTER && source?.readyState === EventSource.OPEN) open()
  }, 1000)
}

export function stopLive(): void {
  clearInterval(beat)
  clearTimeout(retry)
  beat = undefined
  source?.close()
  source = null
  wasOpen = false
  connection.value = 'connecting'
}

/** Call `handler` at each event of `topics` while the component lives. */
export function onLive(topics: Topic[], handler: Handler): void {
  for (const topic of topics) handlers.get(topic)?.add(handler)
  onScopeDispose(() => {
    for (const topic of topics) handlers.get(topic)?.delete(handler)
  })
}

/** Call when the stream came back after a cut. */
export function onReconnect(call: () => void): void {
  reopened.add(call)
  onScopeDispose(() => reopened.delete(call))
}

/** `call` at most once per `ms`, the last request always served. */
export function throttled(call: () => void, ms: number): () => void {
  let last = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  onScopeDispose(() => clearTimeout(timer))
  return () => {
    if (timer) return
    const due = Math.max(0, last + ms - Date.now())
    timer = setTimeout(() => {
      timer = undefined
      last = Date.now()
      call()
    }, due)
  }
}
