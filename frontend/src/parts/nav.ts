/** Places of the page, in the order of a duty officer's day. */
export const NAV = [
  { to: '/', key: 'nav.duty', match: (p: string) => p === '/' || p.startsWith('/site/'), icon: 'M3 9l7-6 7 6v8h-5v-5H8v5H3Z' },
  { to: '/alarms', key: 'nav.alarms', match: (p: string) => p.startsWith('/alarms'), icon: 'M10 2.500a5 5 0 0 0-5 5V12l-2 3h14l-2-3V7.500a5 5 0 0 0-5-5ZM8 16.500a2 2 0 0 0 4 0' },
  { to: '/cases', key: 'nav.cases', match: (p: string) => /^\/(case|complaint|rectification|works|evaluation)/.test(p), icon: 'M4 3h12v14H4ZM7 7h6M7 10h6M7 13h4' },
  { to: '/links', key: 'nav.links', match: (p: string) => p.startsWith('/link'), icon: 'M8 12a3 3 0 0 1 0-4l2-2a3 3 0 0 1 4 4l-1 1M12 8a3 3 0 0 1 0 4l-2 2a3 3 0 0 1-4-4l1-1' },
  { to: '/periods', key: 'nav.periods', match: (p: string) => p.startsWith('/periods'), icon: 'M3 17h14M5 14V9M9 14V4M13 14v-7' },
  { to: '/editions', key: 'nav.editions', match: (p: string) => p.startsWith('/editions'), icon: 'M4 6h9l-2-2M16 14H7l2 2' },
  { to: '/catalogue', key: 'nav.catalogue', match: (p: string) => p.startsWith('/catalogue') || p.startsWith('/import'), icon: 'M3 5c0-3 14-3 14 0v10c0 3-14 3-14 0ZM3 5c0 3 14 3 14 0M3 10c0 3 14 3 14 0' },
  { to: '/records', key: 'nav.records', match: (p: string) => p.startsWith('/records'), icon: 'M3 5h14M3 10h14M3 15h14' },
  { to: '/system', key: 'nav.system', match: (p: string) => p.startsWith('/system'), icon: 'M3 16V9M8 16V4M13 16v-5M18 16V7' },
  { to: '/admin', key: 'nav.admin', match: (p: string) => p.startsWith('/admin'), icon: 'M10 3a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM4 17c0-4 2.500-6 6-6s6 2 6 6' },
]
