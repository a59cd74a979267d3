/** Declarations of registers, asked for once. */

import { reactive } from 'vue'
import { get, type FieldSpec, type StepSpec, type TypeSpec, type Words } from './api'

/** Codes and states come as `{code: {zh, en}}`; the page wants them in order, as a list. */
function listed<K extends string>(found: any, key: K): (Words & Record<K, string>)[] {
  if (Array.isArray(found)) return found
  return Object.entries(found ?? {}).map(([code, words]: [string, any]) => ({ [key]: code, zh: Array.isArray(words) ? words[0] : words.zh, en: Array.isArray(words) ? words[1] : words.en }) as Words & Record<K, string>)
}

const plainField = (field: any): FieldSpec => ({ ...field, codes: listed(field.codes, 'code') })
export const plainStep = (step: any): StepSpec => ({ ...step, fields: (step.fields ?? []).map(plainField) })

function plainType(found: any): TypeSpec {
  const p = found.procedure
  return {
    ...found,
    fields: found.fields.map(plainField),
    procedure: p ? { ...p, states: listed(p.states, 'state'), transitions: (p.transitions ?? []).map(plainStep) } : null,
  }
}

const held = reactive(new Map<string, TypeSpec>())
const asked = new Map<string, Promise<TypeSpec>>()

export function needType(id: string): Promise<TypeSpec> {
  const known = held.get(id)
  if (known) return Promise.resolve(known)
  const going =
    asked.get(id) ??
    get<any>(`/api/types/${encodeURIComponent(id)}`)
      .then(plainType)
      .then((spec) => {
        held.set(id, spec)
        return spec
      })
      .finally(() => asked.delete(id))
  asked.set(id, going)
  return going
}

export const typeOf = (id: string): TypeSpec | null => held.get(id) ?? null
