import { createRouter, createWebHistory } from 'vue-router'
import { t, type Key } from './lib/i18n'
import { arrived, carried } from './lib/past'
import { ensureSession, me } from './lib/session'

export const router = createRouter({
  history: createWebHistory('/'),
  routes: [
    { path: '/login', name: 'login', component: () => import('./pages/LoginPage.vue'), meta: { title: 'login.title', open: true } },
    { path: '/', name: 'duty', component: () => import('./pages/DutyPage.vue'), meta: { title: 'nav.duty' } },
    { path: '/site/:id', name: 'site', component: () => import('./pages/SitePage.vue'), meta: { title: 'nav.sites' } },
    { path: '/alarms', name: 'alarms', component: () => import('./pages/AlarmsPage.vue'), meta: { title: 'nav.alarms' } },
    { path: '/notices', name: 'notices', component: () => import('./pages/NoticesPage.vue'), meta: { title: 'notice.title' } },
    { path: '/cases', name: 'cases', component: () => import('./pages/CasesPage.vue'), meta: { title: 'nav.cases' } },
    { path: '/case/:id', name: 'case', component: () => import('./pages/CasePage.vue'), meta: { title: 'nav.cases' } },
    { path: '/complaints', name: 'complaints', component: () => import('./pages/ComplaintsPage.vue'), meta: { title: 'desk.complaints' } },
    { path: '/complaints/new', name: 'complaint-new', component: () => import('./pages/ComplaintNewPage.vue'), meta: { title: 'complaint.new' } },
    { path: '/rectification', name: 'rectification', component: () => import('./pages/RectificationPage.vue'), meta: { title: 'desk.rectification' } },
    { path: '/works', name: 'works', component: () => import('./pages/WorksPage.vue'), meta: { title: 'desk.works' } },
    { path: '/works/:id', name: 'work', component: () => import('./pages/WorkPage.vue'), meta: { title: 'desk.works' } },
    { path: '/evaluation', name: 'evaluation', component: () => import('./pages/EvaluationPage.vue'), meta: { title: 'desk.evaluation' } },
    { path: '/search', name: 'search', component: () => import('./pages/SearchPage.vue'), meta: { title: 'nav.search' } },
    { path: '/account', name: 'account', component: () => import('./pages/AccountPage.vue'), meta: { title: 'account.title' } },
    { path: '/admin', name: 'admin', component: () => import('./pages/AdminPage.vue'), meta: { title: 'nav.admin' } },
    { path: '/links', name: 'links', component: () => import('./pages/LinksPage.vue'), meta: { title: 'nav.links' } },
    { path: '/link/:mn', name: 'link', component: () => import('./pages/LinkPage.vue'), meta: { title: 'nav.links' } },
    { path: '/periods', name: 'periods', component: () => import('./pages/PeriodsPage.vue'), meta: { title: 'nav.periods' } },
    { path: '/editions', name: 'editions', component: () => import('./pages/EditionsPage.vue'), meta: { title: 'nav.editions' } },
    { path: '/catalogue', name: 'catalogue', component: () => import('./pages/CataloguePage.vue'), meta: { title: 'nav.catalogue' } },
    { path: '/import', name: 'import', component: () => import('./pages/ImportPage.vue'), meta: { title: 'nav.import' } },
    { path: '/system', name: 'system', component: () => import('./pages/SystemPage.vue'), meta: { title: 'nav.system' } },
    { path: '/records', name: 'records', component: () => import('./pages/RegistersPage.vue'), meta: { title: 'nav.records' } },
    { path: '/records/:type', name: 'records-of', component: () => import('./pages/RecordsPage.vue'), meta: { title: 'nav.records' } },
    { path: '/records/:type/:id', name: 'record', component: () => import('./pages/RecordPage.vue'), meta: { title: 'nav.records' } },
    { path: '/:rest(.*)*', name: 'none', component: () => import('./pages/NotFoundPage.vue'), meta: { title: 'notfound.title' } },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})

router.beforeEach((to, from) => carried(to, from) ?? true)

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  try {
    await ensureSession()
  } catch {
    return true // the node is out of reach: the page itself says so and offers to try again
  }
  return me.value ? true : { name: 'login', query: to.fullPath === '/' ? {} : { to: to.fullPath } }
})

router.afterEach((to) => {
  arrived(to)
  const title = to.meta.title ? t(to.meta.title as Key) : ''
  document.title = title ? `${title} · 缙云 Jinyun` : '缙云 Jinyun'
})
