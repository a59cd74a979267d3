/** One way to put a chart on a page: drawn when the page is, anew when what it shows, the language or the theme changes. */

import { init, type EChartsType } from 'echarts/core'
import { onBeforeUnmount, onMounted, shallowRef, watch, type Ref, type WatchSource } from 'vue'
import { lang } from './i18n'
import { dark, token } from './theme'

export function useChart(box: Ref<HTMLElement | undefined>, option: () => any, shown: WatchSource[], picked?: (x: number) => void) {
  const chart = shallowRef<EChartsType>()
  let watcher: ResizeObserver | undefined
  const draw = () => chart.value?.setOption(option(), { notMerge: true })
  onMounted(() => {
    const made = init(box.value!, undefined, { renderer: 'canvas' })
    chart.value = made
    if (picked) {
      made.getZr().on('click', (event) => {
        const x = made.convertFromPixel({ gridIndex: 0 }, [event.offsetX, event.offsetY])?.[0]
        if (x !== undefined) picked(x)
      })
    }
    watcher = new ResizeObserver(() => made.resize())
    watcher.observe(box.value!)
    draw()
  })
  onBeforeUnmount(() => {
    watcher?.disconnect()
    chart.value?.dispose()
  })
  watch([...shown, lang, dark], draw)
}

/** What all charts look like: letters (walls read larger), inks, no motion. */
export function chartLook() {
  const size = parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.86
  const [ink, muted, grid, surface] = ['--ink', '--ink-2', '--line', '--surface'].map(token)
  return {
    size, ink, muted, grid,
    base: { animation: false, aria: { enabled: true }, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: ink, fontSize: size } },
    tooltip: { trigger: 'axis', backgroundColor: surface, borderColor: grid, textStyle: { color: ink } },
    label: { color: muted, fontSize: size },
    line: { lineStyle: { color: grid } },
    name: { color: muted, align: 'left', fontSize: size },
  }
}
