/** One way to put a map of the node's own base map on a page: made when the page is, anew in the dark, gone with it. */

import 'maplibre-gl/dist/maplibre-gl.css'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url'
import { Map as GlMap, NavigationControl, setWorkerUrl, type MapOptions, type StyleSpecification } from 'maplibre-gl'
import { onBeforeUnmount, onMounted, ref, shallowRef, watch, type Ref } from 'vue'
import { dark } from './theme'

setWorkerUrl(workerUrl)

export const FONT = ['Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'sans-serif']
export const NOTHING = { type: 'FeatureCollection' as const, features: [] }
/** A layer of the node's base map. */
export const baseSource = (name: string) => ({ type: 'geojson' as const, data: `${location.origin}/api/basemap/${name}` })
export const emptySource = () => ({ type: 'geojson' as const, data: NOTHING })

interface Ways {
  style: () => StyleSpecification
  options?: Partial<MapOptions>
  /** Once, when there is a map. */
  made?: (gl: GlMap) => void
  /** At every new style: put the data in. */
  styled: () => void
  /** No WebGL. */
  failed?: () => void
}

export function useMap(box: Ref<HTMLElement | undefined>, ways: Ways) {
  const map = shallowRef<GlMap>()
  const failed = ref(false)
  let ready = false
  let watcher: ResizeObserver | undefined

  onMounted(() => {
    try {
      map.value = new GlMap({ container: box.value!, style: ways.style(), center: [106.45, 29.75], zoom: 8, attributionControl: false, localIdeographFontFamily: FONT.join(','), dragRotate: false, touchPitch: false, ...ways.options })
    } catch {
      failed.value = true
      ways.failed?.()
      return
    }
    const gl = map.value
    ;(box.value as any).jinyunMap = gl // browser tests ask it what is drawn
    gl.touchZoomRotate.disableRotation()
    gl.addControl(new NavigationControl({ showCompass: false }), 'top-right')
    gl.on('style.load', () => {
      ready = true
      ways.styled()
    })
    ways.made?.(gl)
    watcher = new ResizeObserver(() => gl.resize())
    watcher.observe(box.value!)
  })
  onBeforeUnmount(() => {
    watcher?.disconnect()
    map.value?.remove()
  })
  watch(dark, () => {
    const gl = map.value
    if (!gl) return
    ready = false
    for (const name of gl.listImages()) gl.removeImage(name)
    gl.setStyle(ways.style(), { diff: false })
  })
  return { map, failed, ready: () => ready }
}
