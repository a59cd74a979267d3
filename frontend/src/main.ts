import { createApp } from 'vue'
import App from './App.vue'
import { whenUnauthorised } from './lib/api'
import { forget } from './lib/session'
import { router } from './router'
import './styles/element'
import './styles/base.css'

whenUnauthorised(() => {
  forget()
  const here = router.currentRoute.value
  if (here.name !== 'login') void router.replace({ name: 'login', query: { to: here.fullPath } })
})

createApp(App).use(router).mount('#app')
