/** Declarations of registers, asked for once. */

import { reactive } from 'vue'
import { get, type TypeSpec } from './api'

const held = reactive(new Map<string, TypeSpec>())
const asked = new Map<string, Promise<TypeSpec>>()

export function needType(id: string): Promise<TypeSpec> {
  const known = held.get(id)
  if (known) return Promise.resolve(known)
  const going =
    asked.get(id) ??
    get<TypeSpec>(`/api/types/${encodeURIComponent(id)}`)
      .then((spec) => {
        held.set(id, spec)
        return spec
      })
      .finally(() => asked.delete(id))
  asked.set(id, going)
  return going
}

export const typeOf = (id: string): TypeSpec | null => held.get(id) ?? null
