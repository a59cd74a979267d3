// How many clearly different colours the chart is drawn in.
() => { const c = document.querySelector('[data-test=chart] canvas')
      const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const seen = new Set()
      for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 200) seen.add(`${d[i] >> 4},${d[i + 1] >> 4},${d[i + 2] >> 4}`)
      return seen.size }
