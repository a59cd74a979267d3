import { beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'
import { ApiError } from '../src/lib/api'
import { needUnits } from '../src/lib/desk'
import { tellBy } from '../src/lib/errors'
import { recordName } from '../src/lib/names'
import { me, take } from '../src/lib/session'
import EvaluationPage from '../src/pages/EvaluationPage.vue'
import NoticesPage from '../src/pages/NoticesPage.vue'
import CaseCard from '../src/parts/CaseCard.vue'
import CaseSteps from '../src/parts/CaseSteps.vue'
import CaseTasks from '../src/parts/CaseTasks.vue'
import PageState from '../src/parts/PageState.vue'
import RecordForm from '../src/parts/RecordForm.vue'
import RectBranch from '../src/parts/RectBranch.vue'
import StepBar from '../src/parts/StepBar.vue'
import TabBar from '../src/parts/TabBar.vue'
import TopBar from '../src/parts/TopBar.vue'
import ViewPicker from '../src/parts/ViewPicker.vue'
import { node, started } from './setup'

const told = vi.fn()
beforeEach(() => {
  told.mockClear()
  tellBy(told)
})
const refusal = (status: number, code: string): [number, unknown] => [status, { error: { code, message: 'an English sentence' } }]
const TYPE = { id: 'task', zh: '任务', en: 'Task', title: 'title', listed: [], fields: [], procedure: null }

describe('evaluation', () => {
  const share = (cases: string[], others: string[]) => ({ part: cases.length, whole: cases.length + others.length, percent: '50', cases, others })
  const ids = (stem: string, n: number) => Array.from({ length: n }, (_, i) => `${stem}${i}`)
  const row = { on_time: share(ids('a', 30), ids('b', 90_000)), recovered: share([], []), relapsed: share([], []) }
  const page = { from: '2026-03-01', to: '2026-03-31', definitions: { on_time: { zh: '按期率 = 甲', en: 'x' }, recovered: { zh: '乙', en: 'x' }, relapsed: { zh: '丙', en: 'x' } }, items: [{ unit: 'u-1', ...row }], all: row }
  async function shown() {
    node({ 'GET /api/evaluation': [200, page], 'GET /api/records/unit': [200, { items: [{ id: 'u-1', name: '水务局' }] }] })
    const { state } = await started(EvaluationPage)
    await needUnits()
    state.from = '2026-03-01'
    state.to = '2026-03-31'
    await state.anew()
    return state
  }

  it('shows fifty cases of a figure, then more', async () => {
    const state = await shown()
    state.look('u-1', 'on_time')
    expect(state.cases.length).toBe(50)
    expect(state.cases.filter((one: any) => one.good).length).toBe(30)
    expect(state.left).toBe(90_030 - 50)
    state.most += 50
    expect(state.cases.at(-1).id).toBe('b69')
  })
  it('names the unit, in the heading and in the file', async () => {
    const state = await shown()
    state.look('u-1', 'on_time')
    expect(state.shown.unit).toBe('水务局')
    expect(state.rows[0].name).toBe('水务局')
  })
  it('keeps no figures of other days when the new question fails', async () => {
    const state = await shown()
    node({ 'GET /api/evaluation': refusal(422, 'bad-input') })
    state.to = '2026-04-30'
    await state.anew()
    expect(state.error?.code).toBe('bad-input')
  })
})

it('wishes that are not saved survive a change of channels; a channel that is gone is no wish', async () => {
  const wishes = (channels: string[]) => ({ subscription: { topics: ['t1'], channels: ['c1'] }, topics: [{ id: 't1' }, { id: 't2' }], kinds: [], channels: channels.map((id) => ({ id })) })
  node({ 'GET /api/notices/wishes': [[200, wishes(['c1'])], [200, wishes(['c1', 'c2'])], [200, wishes(['c2'])]], 'PATCH /api/notices/channels/c1': [200, {}], 'DELETE /api/notices/channels/c1': [200, {}] } as any)
  const { state } = await started(NoticesPage)
  await state.load()
  state.wishes.topics = ['t1', 't2']
  await state.turn({ id: 'c1', active: true })
  expect(state.wishes.topics).toEqual(['t1', 't2'])
  expect(state.chosen.channels.length).toBe(2)
  await state.remove({ id: 'c1' })
  expect(state.wishes).toMatchObject({ topics: ['t1', 't2'], channels: [] })
})

describe('a form', () => {
  const NAME = { name: 'name', zh: '名称', en: 'Name', kind: 'text', required: true }
  it('says what is required before it sends', async () => {
    const send = vi.fn()
    const { state } = await started(RecordForm, { open: true, title: '', fields: [NAME], send })
    await state.go()
    expect(send).not.toHaveBeenCalled()
    expect(state.problems).toEqual({ name: '必填' })
    state.data.name = '甲'
    await state.go()
    expect(send).toHaveBeenCalledOnce()
  })
  it('of a stored record sends although a required field is not shown to this reader, not when it was emptied', async () => {
    const send = vi.fn()
    const note = { name: 'note', zh: '备注', en: 'Note', kind: 'text' }
    const hidden = (await started(RecordForm, { open: true, title: '', fields: [NAME, note], initial: { version: 1 }, send })).state
    hidden.data.note = '乙'
    await hidden.go()
    expect(send).toHaveBeenCalledWith({ note: '乙' }, undefined, undefined)
    const emptied = (await started(RecordForm, { open: true, title: '', fields: [NAME], initial: { version: 1, name: '甲' }, send })).state
    emptied.data.name = null
    await emptied.go()
    expect(send).toHaveBeenCalledOnce()
    expect(emptied.problems).toEqual({ name: '必填' })
  })
  it('says that somebody was faster even when what is there now cannot be read', async () => {
    node({ 'GET /api/records/x/1': 'down', 'GET /api/records/x/1/history': 'down' })
    const send = () => Promise.reject(new ApiError(409, 'conflict', 'too late'))
    const { state } = await started(RecordForm, { open: true, title: '', fields: [{ ...NAME, required: false }], about: { path: '/api/records/x/1', version: 1, type: null }, send })
    await state.go()
    expect(state.wrong).toBe('已被他人修改，请刷新后再试。')
  })
})

it('a step that came too late has the record read anew', async () => {
  node({ 'POST /api/records/task/t1/steps/close': refusal(409, 'conflict') })
  const taken = vi.fn()
  const step = { name: 'close', zh: '销号', en: 'Close', fields: [], allowed: true }
  const { state } = await started(StepBar, { type: TYPE, record: { id: 't1', version: 1, state: 'open' }, steps: [step], moves: [], onTaken: taken })
  await state.press(step)
  await nextTick()
  expect(taken).toHaveBeenCalledWith(true)
  expect(state.refused.message).toContain('已被他人修改')
})

it('steps of one task never stand under another whose steps could not be read', async () => {
  node({ 'GET /api/types/task': [200, TYPE], 'GET /api/records/task/t1/steps': [200, { items: [{ name: 'close', fields: [] }] }], 'GET /api/records/task/t2/steps': 'down' })
  const { state } = await started(CaseTasks, { case: { id: 'c', title: '甲' }, tasks: [] })
  await state.look('t1')
  expect([state.opened, state.steps.length]).toEqual(['t1', 1])
  await state.look('t2')
  expect(state.opened).toBe('t1')
  expect(told).toHaveBeenCalledOnce()
})

it('a page that could not be read says so in Chinese first', async () => {
  const { html } = await started(PageState, { error: new ApiError(422, 'bad-input', 'from is after to') })
  expect(html).toContain('填写不符合要求')
  expect(html).toContain('from is after to')
})

it('a view that is not saved says so and keeps what was typed', async () => {
  node({ 'POST /api/registers/site/views': refusal(403, 'not-permitted') })
  const { state } = await started(ViewPicker, { type: 'site', now: () => ({}) })
  state.naming = true
  state.name = '甲'
  await state.save()
  expect([state.naming, state.name]).toEqual([true, '甲'])
  expect(told).toHaveBeenCalledWith('您没有进行此操作的权限。', 'an English sentence')
})

it.each([['the bar', TopBar], ['the phone', TabBar]] as const)('a log-out in %s that does not reach the node says so and stays', async (_, part) => {
  take({ name: 'li', roles: [], csrf: 'c' })
  node({ 'DELETE /api/session': [502, 'Bad Gateway'] })
  const { state } = await started(part)
  await state.leave()
  expect(told.mock.calls[0][0]).toContain('退出请求未送达节点')
  expect(me.value?.name).toBe('li')
  take(null)
})

it('steps that cannot be read open nothing and say so', async () => {
  node({ 'GET /api/records/case/c1/steps': 'down', 'GET /api/records/rectification/r1/steps': 'down' })
  const card = (await started(CaseCard, { row: { id: 'c1', title: '甲', version: 1, state: 'opened' }, late: false, kind: '' })).state
  await card.look()
  expect(card.open).toBe(false)
  const branch = (await started(RectBranch, { branch: { item: { id: 'r1', title: '乙', state: 'open', deadline: '2026-03-01' }, parts: [] }, today: '2026-03-01' })).state
  await branch.look()
  expect(branch.steps).toBeNull()
  expect(told).toHaveBeenCalledTimes(2)
})

it('a form asks for nothing that the node fills in itself', async () => {
  const field = (name: string, required = false) => ({ name, zh: name, en: name, kind: 'text', required })
  const contest = { name: 'contest_it', zh: '申辩', en: 'Contest', fields: [field('text'), field('contest', true)] }
  const { state } = await started(CaseSteps, { id: 'c1', version: 1, steps: [contest] })
  expect(state.asked(contest).map((one: any) => one.name)).toEqual(['text'])
  node({ 'GET /api/types/task': [200, { ...TYPE, fields: [field('title', true), field('kind', true), field('owner', true)] }] })
  const tasks = (await started(CaseTasks, { case: { id: 'c', title: '甲' }, tasks: [] })).state
  await tasks.ready()
  const given = tasks.first()
  expect(tasks.fields().filter((one: any) => one.required && !given[one.name])).toEqual([])
})

it('a name that could not be asked for is asked for again, one that is not there is not', async () => {
  const asked = node({ 'GET /api/records/case/n1': [[503, {}], [200, { title: '甲案' }]], 'GET /api/records/case/n2': refusal(404, 'not-found') } as any)
  for (const _ of [1, 2, 3]) {
    recordName('case', 'n1')
    recordName('case', 'n2')
    await new Promise((go) => setTimeout(go))
    await nextTick()
  }
  expect(recordName('case', 'n1')).toBe('甲案')
  expect(asked.filter((one) => one.endsWith('n2')).length).toBe(1)
})
