import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSSRApp, type Component } from 'vue'
import { renderToString } from 'vue/server-renderer'
import { Phone } from './field-idb'

/** Forms of the field page: what is typed stays as typed, and stays while the list changes below it. */
let phone: Phone
let state: typeof import('../src/field/state')
let box: typeof import('../src/field/box')

const TASK = { id: 't1', title: '现场检查', version: 3, state: 'open', state_zh: '待接收' }
const STEP = { name: 'accept', zh: '接收', en: 'Accept', fields: [], allowed: true, missing: [] }
const day = (items: any[] = []): any => ({
  items, sites: [], choices: {}, editable: ['task'], entries: [], defaults: {}, limits: {},
  types: { task: { id: 'task', zh: '任务', en: 'Task', title: 'title', listed: ['title'], fields: [{ name: 'title', kind: 'text', zh: '标题', en: 'Title' }], procedure: null } },
})
const item = () => ({ type: 'task', record: { ...TASK }, mine: 'me', steps: [STEP] })

/** Renders a component after `act` has had its way with what its script made. */
async function shown(one: Component, props: object, act: (inside: any) => unknown): Promise<string> {
  const app = createSSRApp(one, props as any)
  let first = true
  app.mixin({
    created(this: any) {
      if (!first) return
      first = false
      act(this.$.setupState)
    },
  })
  return renderToString(app)
}

beforeEach(async () => {
  vi.resetModules()
  phone = new Phone()
  vi.stubGlobal('indexedDB', phone)
  vi.stubGlobal('location', { hash: '' })
  vi.stubGlobal('addEventListener', () => undefined)
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')))
  ;[state, box] = await Promise.all([import('../src/field/state'), import('../src/field/box')])
  await state.wake()
  state.person.value = { name: 'qin', roles: ['inspector'] }
  state.day.value = day([item()])
})
afterEach(() => vi.unstubAllGlobals())

describe('an item', () => {
  const open = async (act: (inside: any) => unknown) => shown((await import('../src/field/ItemPage.vue')).default, { type: 'task', id: 't1' }, act)

  it('that leaves the list takes no form with it, and says so', async () => {
    const page = await open((inside) => {
      inside.form = { op: 'update', record: { ...TASK } }
      state.day.value = day() // the day anew: the task went to somebody else
    })
    expect(page).toContain('data-test="form"')
    expect(page).toContain('value="现场检查"') // what the form began with
    expect(page).toContain('data-test="gone"')
    expect(await open((inside) => (inside.form = null))).not.toContain('data-test="form"')
  })

  it('with a form says nothing of the kind while it is in the list', async () => {
    expect(await open((inside) => (inside.form = { op: 'update', record: { ...TASK } }))).not.toContain('data-test="gone"')
  })

  it('takes a step once, however often it is tapped', async () => {
    let taps: Promise<void>[] = []
    const page = await open((inside) => (taps = [inside.take(STEP), inside.take(STEP)]))
    expect(page).toMatch(/<button[^>]* disabled[^>]*data-test="step-accept"/)
    await Promise.all(taps)
    expect(await box.queue()).toHaveLength(1)
  })

  it('says that the phone is full, and takes the step once there is room', async () => {
    let take!: (step: any) => Promise<void>
    await open((inside) => (take = inside.take))
    phone.full = true
    await take(STEP)
    expect(state.trouble.value).toContain('已满')
    expect(await box.queue()).toHaveLength(0)
    phone.full = false
    await take(STEP)
    expect(state.trouble.value).toBe('')
    expect(await box.queue()).toHaveLength(1)
  })
})

describe('a field', () => {
  const LINES = { name: 'names', kind: 'text', many: true, zh: '名单', en: 'Names', codes: {} }
  const field = async (props: object, act: (inside: any) => unknown = () => undefined) => shown((await import('../src/field/OneInput.vue')).default, props, act)

  it('of one per line takes a second line and a space while it is typed', async () => {
    const values: any[] = []
    await field({ field: LINES, modelValue: ['甲'], 'onUpdate:modelValue': (value: any) => values.push(value) }, (inside) => {
      inside.many = '甲\n'
      expect(inside.many).toBe('甲\n')
      inside.many = '甲\n王 '
      expect(inside.many).toBe('甲\n王 ')
      inside.draft = null // left: the value as it is kept
      expect(inside.many).toBe('甲')
    })
    expect(values).toEqual([['甲'], ['甲', '王']])
  })

  it('of a site offers every site of the day, not only the choices of that register', async () => {
    const sites = Array.from({ length: 300 }, (_, n) => ({ id: `s${n}`, name: `点位${n}`, kind: 'outlet', lon: null, lat: null }))
    state.day.value = { ...day(), sites, choices: { site: sites.slice(0, 200), enterprise: [{ id: 'e1', name: '某厂' }] } }
    expect(await field({ field: { name: 'site', kind: 'reference', to: 'site', zh: '点位', en: 'Site', codes: {} }, modelValue: 's299' })).toContain('点位299')
    expect(await field({ field: { name: 'firm', kind: 'reference', to: 'enterprise', zh: '企业', en: 'Firm', codes: {} }, modelValue: null })).toContain('某厂')
  })
})
