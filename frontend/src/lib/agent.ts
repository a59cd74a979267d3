/** What a browser calls itself, short: `Firefox 140 · Linux`. What is not known stays as it is sent, cut. */

const BROWSERS = [['Edg', 'Edge'], ['OPR', 'Opera'], ['MicroMessenger', '微信'], ['Firefox', 'Firefox'], ['HeadlessChrome', 'Chrome'], ['Chrome', 'Chrome'], ['Version', 'Safari']] as const
const SYSTEMS = [['HarmonyOS', 'HarmonyOS'], ['Android', 'Android'], ['iPhone', 'iOS'], ['iPad', 'iPadOS'], ['Windows', 'Windows'], ['Mac OS X', 'macOS'], ['Linux', 'Linux']] as const

export function agentWords(agent: string): string {
  const browser = BROWSERS.map(([mark, name]) => [name, new RegExp(`${mark}/(\\d+)`).exec(agent)?.[1]] as const).find(([, version]) => version)
  const system = SYSTEMS.find(([mark]) => agent.includes(mark))
  if (!browser) return agent.slice(0, 60)
  return `${browser[0]} ${browser[1]}${system ? ` · ${system[1]}` : ''}`
}
