/** What is kept on the phone: the day, the queue of edits, photos. IndexedDB, one promise per question. */

export interface Sent {
  device: string
  key: string
  op: 'create' | 'update' | 'step'
  type: string
  id: string
  at: number // [µs] this phone's clock
  data: Record<string, any>
  step: string
  version: number | null
  after: string
  note: string
}

export type QueueState = 'waiting' | 'done' | 'conflict' | 'refused' | 'dropped'

export interface Queued {
  n: number
  actor: string
  state: QueueState
  edit: Sent
  title: string
  what: string // the step's or the edit's name
  base: Record<string, any> | null // the record as the person saw it
  error: { code: string; message: string; missing?: any[]; problems?: Record<string, string> } | null
  answer: { version: number; state: string; received_at: number } | null
  tries: number
}

export interface Photo {
  id: string
  actor: string
  blob: Blob
  name: string
  sha256: string
  taken_at: number // [µs]
  place: { lon: number; lat: number } | null
  accuracy_m: number | null
  offset: number
  attachment: string
}

const NAME = 'jinyun-field'
let opened: Promise<IDBDatabase> | null = null

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((done, failed) => {
    const request = indexedDB.open(NAME, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore('kept')
      request.result.createObjectStore('queue', { keyPath: 'n', autoIncrement: true })
      request.result.createObjectStore('photos', { keyPath: 'id' })
    }
    request.onsuccess = () => done(request.result)
    request.onerror = () => failed(request.error)
  })
  return opened
}

/** One transaction; it is on the disk when the promise is kept. */
async function inside<T>(stores: string[], mode: IDBTransactionMode, work: (of: (name: string) => IDBObjectStore) => IDBRequest<T> | void): Promise<T> {
  const db = await open()
  return new Promise((done, failed) => {
    const all = db.transaction(stores, mode, mode === 'readwrite' ? { durability: 'strict' } : undefined)
    let request: IDBRequest<T> | void
    all.oncomplete = () => done((request ? request.result : undefined) as T)
    all.onabort = () => failed(all.error) // an error aborts; only then is it known which
    request = work((name) => all.objectStore(name))
  })
}

/** Plain data: what Vue watches cannot be stored as it is. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value))

export const keep = (key: string, value: unknown) => inside(['kept'], 'readwrite', (of) => void of('kept').put(plain(value), key))
export const kept = <T>(key: string) => inside<T | undefined>(['kept'], 'readonly', (of) => of('kept').get(key) as IDBRequest<T | undefined>)
export const unkeep = (key: string) => inside(['kept'], 'readwrite', (of) => void of('kept').delete(key))

/** Person, day and what was delivered go at once, and `leaving` says which session is still to be closed: a phone that is
 * switched off in between finds all of it or nothing. What is still to be sent stays. */
export const leave = (csrf: string) =>
  inside(['kept', 'queue'], 'readwrite', (of) => {
    of('kept').put(csrf, 'leaving')
    for (const key of ['person', 'day']) of('kept').delete(key)
    const rows: IDBRequest<Queued[]> = of('queue').getAll()
    rows.onsuccess = () => {
      for (const one of rows.result) if (one.state === 'done') of('queue').delete(one.n)
    }
  })

export const queue = () => inside<Queued[]>(['queue'], 'readonly', (of) => of('queue').getAll())
export const photos = () => inside<Photo[]>(['photos'], 'readonly', (of) => of('photos').getAll())
export const photo = (id: string) => inside<Photo | undefined>(['photos'], 'readonly', (of) => of('photos').get(id))
export const putPhoto = (one: Photo) => inside(['photos'], 'readwrite', (of) => void of('photos').put(one))
export const putQueued = (one: Queued) => inside(['queue'], 'readwrite', (of) => void of('queue').put(plain(one)))

/** A new edit and its photos, in one transaction: never one without the other. */
export async function enqueue(one: Omit<Queued, 'n'>, taken: Photo[]): Promise<number> {
  return Number(
    await inside<IDBValidKey>(['queue', 'photos'], 'readwrite', (of) => {
      for (const each of taken) of('photos').put(each)
      return of('queue').add(plain(one))
    }),
  )
}

/** An edit that is done: its answer stands, its photos need no room any more. */
export const settle = (one: Queued, photoIds: string[]) =>
  inside(['queue', 'photos'], 'readwrite', (of) => {
    of('queue').put(plain(one))
    for (const id of photoIds) of('photos').delete(id)
  })

export const removeQueued = (rows: Queued[], photoIds: string[]) =>
  inside(['queue', 'photos'], 'readwrite', (of) => {
    for (const one of rows) of('queue').delete(one.n)
    for (const id of photoIds) of('photos').delete(id)
  })

/** Several rows at once, e.g. an edit and those that follow it. */
export const putAll = (rows: Queued[]) =>
  inside(['queue'], 'readwrite', (of) => {
    for (const one of rows) of('queue').put(plain(one))
  })
