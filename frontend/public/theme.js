// Before the first paint, so that a dark wall never flashes white. A file of its own: the content policy allows no inline script.
;(function () {
  var root = document.documentElement
  var theme = null
  var lang = null
  try {
    theme = localStorage.getItem('jinyun.theme')
    lang = localStorage.getItem('jinyun.lang')
  } catch (_) {
    // storage may be forbidden; the defaults do
  }
  var dark = theme ? theme === 'dark' : window.matchMedia('(prefers-color-scheme: dark)').matches
  root.classList.toggle('dark', dark)
  root.lang = lang === 'en' ? 'en' : 'zh-CN'
})()
