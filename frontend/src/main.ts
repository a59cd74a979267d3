import { ElMessage } from 'element-plus'
import { createApp, h } from 'vue'
import App from './App.vue'
import { whenUnauthorised } from './lib/api'
import { tell, tellBy } from './lib/errors'
import { forget } from './lib/session'
import { router } from './router'
import './styles/element'
import './styles/base.css'

whenUnauthorised(() => {
  forget()
  const here = router.currentRoute.value
  if (here.name !== 'login') void router.replace({ name: 'login', query: { to: here.fullPath } })
})

tellBy((words, print) => {
  ElMessage({ message: h('div', [words, ...(print ? [h('p', { class: 'small', lang: 'en' }, print)] : [])]), type: 'error', duration: 6_000, showClose: true })
})

const app = createApp(App)
app.config.errorHandler = (wrong) => tell(wrong) // what no button, page or form has said itself
app.use(router).mount('#app')
