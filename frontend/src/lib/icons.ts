/** Map symbols drawn here, so that none has to be fetched. Names read `dot|<shape>|<colour>|<look>`. */

import type { Map as GlMap } from 'maplibre-gl'
import { shape, shapePath, siteColour, type Shape } from './colours'
import type { SiteDot } from './api'

const SIZE = 26 // CSS px of the whole picture
const RATIO = 2

type Look = 'plain' | 'bad' | 'hollow'

export function iconName(site: SiteDot): string {
  const look: Look = site.status === 'silent' ? 'hollow' : site.status === 'bad' ? 'bad' : 'plain'
  return `dot|${shape(site.kind)}|${siteColour(site)}|${look}`
}

function draw(s: Shape, colour: string, look: Look, dark: boolean): ImageData {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = SIZE * RATIO
  const pen = canvas.getContext('2d')!
  pen.scale(RATIO, RATIO)
  const centre = SIZE / 2
  if (look === 'bad') {
    pen.beginPath()
    pen.arc(centre, centre, 12, 0, Math.PI * 2)
    pen.fillStyle = `${colour}33`
    pen.fill()
    pen.strokeStyle = colour
    pen.lineWidth = 1.4
    pen.stroke()
  }
  pen.translate(centre - 10, centre - 10)
  const path = new Path2D(shapePath(s))
  pen.lineJoin = 'round'
  if (look === 'hollow') {
    pen.fillStyle = dark ? '#131c22' : '#ffffff'
    pen.fill(path)
    pen.strokeStyle = colour
    pen.lineWidth = 2.4
    pen.stroke(path)
    pen.beginPath()
    pen.moveTo(6.5, 13.5)
    pen.lineTo(13.5, 6.5)
    pen.lineWidth = 1.6
    pen.stroke()
  } else {
    pen.fillStyle = colour
    pen.fill(path)
    pen.strokeStyle = dark ? 'rgba(255,255,255,0.75)' : 'rgba(10,25,34,0.75)'
    pen.lineWidth = 1.1
    pen.stroke(path)
  }
  return pen.getImageData(0, 0, SIZE * RATIO, SIZE * RATIO)
}

export function addIcons(map: GlMap, sites: SiteDot[], dark: boolean): void {
  for (const name of new Set(sites.map(iconName))) {
    if (map.hasImage(name)) continue
    const [, s, colour, look] = name.split('|')
    map.addImage(name, draw(s as Shape, colour, look as Look, dark), { pixelRatio: RATIO })
  }
}
