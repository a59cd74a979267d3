// Texts whose contrast with the ground behind them is below WCAG AA.
() => {
  const parse = (c) => (c.match(/[\d.]+/g) || []).map(Number)
  const channel = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  const light = ([r, g, b]) => [r, g, b].map((v) => channel(v / 255)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const ground = (el) => {
    for (let at = el; at; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor)
      if (c.length === 3 || (c.length === 4 && c[3] === 1)) return c
      if (c.length === 4 && c[3] > 0) return null
    }
    return [255, 255, 255]
  }
  const bad = []
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), el = walk.currentNode.parentElement
    if (!text || !el.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue
    if (el.closest('[disabled], .map, .visually-hidden, noscript, [aria-hidden=true]')) continue
    const style = getComputedStyle(el), back = ground(el), fore = parse(style.color)
    if (!back || (fore.length === 4 && fore[3] < 1)) continue
    const [a, b] = [light(back), light(fore)].sort((x, y) => y - x)
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700)
    if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5)) bad.push(`${text.slice(0, 24)} ${style.color} on ${back} ${((a + 0.05) / (b + 0.05)).toFixed(2)}`)
  }
  return [...new Set(bad)]
}
