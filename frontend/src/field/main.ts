/** The field page: an app of its own, small enough to be kept on a phone. */
import { createApp } from 'vue'
import '../styles/base.css'
import FieldApp from './FieldApp.vue'
import { refresh, run, watchNetwork } from './engine'
import { installable } from './install'
import { wake } from './state'

void (async () => {
  installable()
  await wake()
  createApp(FieldApp).mount('#app')
  watchNetwork()
  await refresh()
  void run()
})()
