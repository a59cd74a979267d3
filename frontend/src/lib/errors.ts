/** What the node refuses, in the page's words. The node says it in English only; its sentence stays beside ours as small print. */

import { ApiError, type Words } from './api'
import { said, t, type Key } from './i18n'
import { messages } from './messages'

/** Sentences of kernel/record_values.py, of the store and of the framework, each with what it means. First match counts. */
const PROBLEMS: [RegExp, Key][] = [
  [/^(field )?required$/i, 'problem.required'],
  [/^unknown field/, 'problem.unknown'],
  [/must be a list|should be a valid list/, 'problem.list'],
  [/must be true or false|should be a valid boolean/, 'problem.bool'],
  [/is not one of |^Input should be '/, 'problem.choice'],
  [/^longitude must lie/, 'problem.place'],
  [/must say its time zone/, 'problem.zone'],
  [/Invalid isoformat string|(month|hour|minute|second) must be in|day is out of range|should be a valid date/, 'problem.date'],
  [/^must be text$|should be a valid string/, 'problem.text'],
  [/is no id of an attachment|there is no attachment/, 'problem.file'],
  [/is no name of an account/, 'problem.person'],
  [/at most (?<n>\d+) characters?/, 'problem.long'],
  [/at least (?<n>\d+) characters?/, 'problem.short'],
  [/does not have the form|should match pattern/, 'problem.form'],
  [/must be 1 to 120 printable characters/, 'problem.id'],
  [/is not a whole number|should be a valid integer/, 'problem.whole'],
  [/is not a number$|must be a (finite )?number|should be a valid number|could not convert string to float/, 'problem.number'],
  [/is too large or too small/, 'problem.size'],
  [/ is below (?<n>\S+)$|greater than or equal to (?<n2>\S+)$/, 'problem.least'],
  [/ is above (?<n>\S+)$|less than or equal to (?<n2>\S+)$/, 'problem.most'],
  [/has more than (?<n>\d+) decimals/, 'problem.decimals'],
  [/identifies another .* already/, 'problem.double'],
  [/has characters that are no text/, 'problem.characters'],
  [/^there is no \S+ '/, 'problem.absent'],
]

/** What is wrong with a field; the node's own sentence where it is none of those above. */
export function problemWords(text: string): string {
  for (const [form, key] of PROBLEMS) {
    const found = form.exec(text)
    if (found) return t(key, { n: found.groups?.n ?? found.groups?.n2 ?? '' })
  }
  return text
}

/** Every wrong field of a refusal, by its name. */
export function fieldProblems(error: ApiError): Record<string, string> {
  const given = error.body?.field ? { ...error.problems, [error.body.field]: error.message } : error.problems
  return Object.fromEntries(Object.entries(given).map(([name, text]) => [name, problemWords(String(text))]))
}

/** One sentence by the code of an error. `fields`: whose words stand for the names of wrong fields. */
export function errorWords(error: unknown, fields: (Words & { name: string })[] = []): string {
  if (!(error instanceof ApiError)) return t('error.page')
  if (error.code === 'past') return error.message // said by the page itself
  if (error.status === 0 || (error.code === String(error.status) && error.status >= 502 && error.status <= 504)) return t('state.unreachable')
  if (error.code === 'too-many-attempts') return t('login.wait', { s: error.body?.retry_after ?? '' })
  if (error.code === 'conflict' && /^there is an? .* already/.test(error.message)) return t('error.taken')
  if (error.missing.length) return [t('case.refused'), error.missing.map((one) => said(one)).join('；')].join('')
  const key = `error.${error.code}`
  const head = key in messages ? t(key as Key, { id: error.body?.id ?? '' }) : t(error.status >= 500 ? 'error.node' : 'error.other', { code: error.code })
  const wrong = Object.entries(error.problems).map(([name, text]) => `${nameOf(name, fields)} ${problemWords(String(text))}`)
  return wrong.length ? head + t('common.colon') + wrong.join('；') : head
}

/** `query.from`, `k1.name`: the last part is the field. */
function nameOf(place: string, fields: (Words & { name: string })[]): string {
  const name = place.slice(place.lastIndexOf('.') + 1)
  return said(fields.find((one) => one.name === name)) || name
}

/** The node's own sentence, for the small print; nothing where the node said nothing. */
export function errorPrint(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error)
  return error.status === 0 || error.code === 'past' || error.missing.length ? '' : error.message // what is missing is said in both languages
}

/** Both in one line, where there is room for one only. */
export function errorLine(error: unknown): string {
  const print = errorPrint(error)
  return print ? `${errorWords(error)} ${print}` : errorWords(error)
}

let teller: (words: string, print: string) => void = (words, print) => console.error(words, print)

/** How `tell` speaks; the page that has a place for messages says it once. */
export function tellBy(how: typeof teller): void {
  teller = how
}

/** Say on the page what went wrong. `head` stands before it. */
export function tell(error: unknown, head = ''): void {
  if (!(error instanceof ApiError)) console.error(error)
  teller(head + errorWords(error), errorPrint(error))
}

/** What a button does: its failure is said, never silent; then undefined. */
export async function tried<T>(what: () => Promise<T>, head = ''): Promise<T | undefined> {
  try {
    return await what()
  } catch (wrong) {
    tell(wrong, head)
    return undefined
  }
}
