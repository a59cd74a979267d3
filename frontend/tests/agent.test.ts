import { expect, it } from 'vitest'
import { agentWords } from '../src/lib/agent'

it('names the browser and the system, and leaves what it does not know', () => {
  expect(agentWords('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0')).toBe('Firefox 140 · Linux')
  expect(agentWords('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0')).toBe('Edge 142 · Windows')
  expect(agentWords('Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36')).toBe('Chrome 142 · Android')
  expect(agentWords('Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1')).toBe('Safari 18 · iOS')
  expect(agentWords('python-httpx/0.28')).toBe('python-httpx/0.28')
  expect(agentWords('')).toBe('')
})
