// A 9 x 9 square of what is painted on the map at [longitude, latitude], as red, green, blue, alpha.
async (place) => {
      const map = document.querySelector('[data-test=map]').jinyunMap
      const gl = map.getCanvas().getContext('webgl2')
      const at = map.project(place), ratio = map.getPixelRatio()
      const pixels = new Uint8Array(4 * 9 * 9)
      await new Promise((done) => { map.once('render', () => {
        gl.readPixels(Math.round(at.x * ratio) - 4, gl.drawingBufferHeight - Math.round(at.y * ratio) - 4, 9, 9, gl.RGBA, gl.UNSIGNED_BYTE, pixels)
        done() }); map.triggerRepaint() })
      return Array.from(pixels)
    }
