import { afterEach, describe, expect, it, vi } from 'vitest'
import { passwordRefused, waiting } from '../src/lib/account'
import { ApiError } from '../src/lib/api'
import { errorPrint, errorWords, fieldProblems, problemWords, tellBy, tried } from '../src/lib/errors'
import { lang } from '../src/lib/i18n'
import { useSteps } from '../src/lib/steps'

const CHINESE = /[\u4e00-\u9fff]/
afterEach(() => (lang.value = 'zh'))

describe('words of refusals', () => {
  it('every code of the node has Chinese words, and the sentence of the node is the small print', () => {
    const codes = ['bad-input', 'invalid-record', 'not-found', 'unknown-factor', 'conflict', 'refused', 'not-permitted', 'not-logged-in', 'busy', 'unavailable', 'too-large', 'internal', 'http', 'method-not-allowed', 'jinyun', 'unheard-of']
    for (const code of codes) {
      const wrong = new ApiError(422, code, 'an English sentence')
      expect(errorWords(wrong), code).toMatch(CHINESE)
      expect(errorWords(wrong), code).not.toContain('English')
      expect(errorPrint(wrong), code).toBe('an English sentence')
    }
  })
  it('follow the language', () => {
    const wrong = new ApiError(403, 'not-permitted', 'this needs the role officer')
    expect(errorWords(wrong)).toBe('您没有进行此操作的权限。')
    lang.value = 'en'
    expect(errorWords(wrong)).toBe('You may not do this.')
    expect(errorPrint(wrong)).toBe('this needs the role officer')
  })
  it('a node that a proxy cannot reach is out of reach; what the node says itself with 503 is not', () => {
    expect(errorWords(new ApiError(0, 'unreachable', 'unreachable'))).toContain('连不上节点')
    expect(errorWords(new ApiError(502, '502', 'Bad Gateway'))).toContain('连不上节点')
    expect(errorWords(new ApiError(503, 'unavailable', 'disk full'))).toContain('暂不可用')
  })
  it('an id that is taken is not a change by somebody else', () => {
    expect(errorWords(new ApiError(409, 'conflict', "there is a site 'a' already; change that one or choose another id"))).toContain('编号已被使用')
    expect(errorWords(new ApiError(409, 'conflict', 'somebody else changed it'))).toContain('已被他人修改')
  })
  it('name the wrong fields by their words', () => {
    const wrong = new ApiError(422, 'invalid-record', 'site not accepted: name: required', { problems: { name: 'required', 'query.from': 'Field required' } })
    expect(errorWords(wrong, [{ name: 'name', zh: '名称', en: 'Name' }])).toBe('填写不符合要求：名称 必填；from 必填')
  })
  it('what a step waits for is said in both languages by the node itself, without small print', () => {
    const wrong = new ApiError(409, 'refused', 'Close: lacks', { missing: [{ zh: '缺复核', en: 'lacks a check' }] })
    expect(errorWords(wrong)).toContain('缺复核')
    expect(errorPrint(wrong)).toBe('')
  })
})

describe('problems of fields', () => {
  it.each([
    ['required', '必填'],
    ['Field required', '必填'],
    ['unknown field; site has name, kind', '没有这个字段'],
    ["'abc' is not a number", '应为数字'],
    ['1.5 is not a whole number', '应为整数'],
    ['-1 is below 0', '不能小于 0'],
    ['101 is above 100', '不能大于 100'],
    ['1.234 has more than 2 decimals; the least amount is one fen', '最多 2 位小数'],
    ["'x' is not one of a, b", '不在可选范围内'],
    ['identifies the record, so it holds at most 300 characters', '过长，最多 300 个字符'],
    ['String should have at most 80 characters', '过长，最多 80 个字符'],
    ["'x' does not have the form [0-9]+", '格式不正确'],
    ["Invalid isoformat string: '2026-13-01'", '日期或时间不正确'],
    ['longitude must lie in -180…180 and latitude in -90…90', '经度应在 -180 至 180 之间，纬度应在 -90 至 90 之间'],
    ["there is no attachment '0123'; upload it first", '附件不存在，请先上传'],
    ["there is no site 's9'", '所指的记录不存在'],
    ["'A1' identifies another outlet already; Code must be its own", '与已有记录重复'],
  ])('%s', (sentence, words) => expect(problemWords(sentence)).toBe(words))

  it('one that is not known stays as the node said it', () => {
    expect(problemWords('the check digit is wrong')).toBe('the check digit is wrong')
  })
  it('a field named beside the sentence is marked too', () => {
    expect(fieldProblems(new ApiError(422, 'bad-input', 'the days are no number', { field: 'days' }))).toEqual({ days: 'the days are no number' })
  })
})

describe('nothing fails in silence', () => {
  it('tried says it and gives undefined; what goes well is given back', async () => {
    const told = vi.fn()
    tellBy(told)
    expect(await tried(async () => 7)).toBe(7)
    expect(told).not.toHaveBeenCalled()
    expect(await tried(() => Promise.reject(new ApiError(403, 'not-permitted', 'needs a role')), '未退出：')).toBeUndefined()
    expect(told).toHaveBeenCalledWith('未退出：您没有进行此操作的权限。', 'needs a role')
  })
  it('a refused step is kept in our words with the sentence of the node, and whoever shows it learns why', async () => {
    const told = vi.fn()
    const { press, refused } = useSteps(() => Promise.reject(new ApiError(409, 'conflict', 'somebody else was faster')), told)
    await press({ name: 'close', zh: '销号', en: 'Close', fields: [] })
    expect(refused.value).toMatchObject({ message: '已被他人修改，请刷新后再试。', print: 'somebody else was faster' })
    expect(told.mock.calls[0][0].code).toBe('conflict')
  })
  it('a log-in that is refused otherwise than for the password', () => {
    expect(waiting(new ApiError(429, 'too-many-attempts', 'wait', { retry_after: 9 }))).toContain('9 秒')
    expect(waiting(new ApiError(503, 'unavailable', 'no directory'))).toMatch(CHINESE)
    expect(passwordRefused(new ApiError(422, 'bad-input', 'the password is too short', { hint: 'use at least 10 characters' }))).toContain('10')
  })
})
