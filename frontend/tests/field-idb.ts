/** As much of IndexedDB as `src/field/box.ts` asks for: changes happen in the order in which they are asked for. */
type Row = Record<string, any>

export class Phone {
  readonly stores: Record<string, Map<any, any>> = {}
  readonly paths: Record<string, string | undefined> = {}
  full = false // nothing more can be kept
  private last = 0

  open(): any {
    const request: any = { result: { createObjectStore: (name: string, how?: Row) => this.create(name, how), transaction: () => this.transaction() } }
    queueMicrotask(() => {
      if (!this.stores.kept) request.onupgradeneeded()
      request.onsuccess()
    })
    return request
  }

  private create(name: string, how?: Row): void {
    this.stores[name] = new Map()
    this.paths[name] = how?.keyPath
  }

  private transaction(): any {
    const all: any = { error: null, objectStore: (name: string) => this.store(name, all) }
    let left = 1
    const one = (work: () => void): void => {
      left++
      queueMicrotask(() => (work(), end()))
    }
    const end = (): void => {
      if (--left === 0) queueMicrotask(() => (all.error ? all.onabort() : all.oncomplete()))
    }
    all.one = one
    queueMicrotask(end)
    return all
  }

  private store(name: string, all: any): any {
    const rows = this.stores[name]!
    const path = this.paths[name]
    const answer = (result: any): any => {
      const request: any = { result }
      all.one(() => request.onsuccess?.())
      return request
    }
    const put = (value: any, key?: any): any => {
      if (this.full) {
        all.error = new DOMException('full', 'QuotaExceededError')
        return answer(undefined)
      }
      const at = path ? (value[path] ??= ++this.last) : key
      rows.set(at, structuredClone(value))
      return answer(at)
    }
    return { put, add: put, get: (key: any) => answer(structuredClone(rows.get(key))), getAll: () => answer(structuredClone([...rows.values()])), delete: (key: any) => answer(void rows.delete(key)) }
  }
}
