import { expect, it } from 'vitest'
import { nextTick, ref } from 'vue'
import { readAs, useDraft, written } from '../src/lib/draft'

/** A box as a form has it: what is told becomes the form's value. */
function box<T>(value: T, field: { kind: string; many?: boolean }) {
  const held = ref<any>(value)
  return { held, ...useDraft<any>(() => held.value, (next) => (held.value = next), written, (typed) => readAs(typed, field)) }
}

it('a second line and a space can be typed', async () => {
  const { held, text, left } = box<string[]>([], { kind: 'text', many: true })
  let typed = ''
  for (const key of 'east gate\nwest') {
    text.value = typed += key
    await nextTick()
    expect(text.value).toBe(typed)
  }
  expect(held.value).toEqual(['east gate', 'west'])
  text.value = ' a \n\n'
  left()
  expect(text.value).toBe('a')
})

it('json is not written anew while it is typed', async () => {
  const { held, text, left } = box<any>(null, { kind: 'json' })
  text.value = '{"a":1}'
  await nextTick()
  expect([text.value, held.value]).toEqual(['{"a":1}', { a: 1 }])
  left()
  expect(text.value).toBe('{\n "a": 1\n}')
})

it('a figure keeps its point', async () => {
  const held = ref<number | undefined>()
  const { text } = useDraft<number | undefined>(() => held.value, (next) => (held.value = next), (one) => String(one ?? ''), (typed) => (typed === '' ? undefined : Number(typed)))
  text.value = '106.'
  await nextTick()
  expect([text.value, held.value]).toEqual(['106.', 106])
})

it('a value set from elsewhere is shown', async () => {
  const { held, text } = box<string[]>([], { kind: 'text', many: true })
  text.value = 'mine\n'
  await nextTick()
  held.value = ['theirs']
  await nextTick()
  expect(text.value).toBe('theirs')
})
