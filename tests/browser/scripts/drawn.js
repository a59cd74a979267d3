// What the map has drawn, asked of MapLibre itself.
async () => {
  const map = document.querySelector('[data-test=map]').jinyunMap
  if (!map.loaded()) await new Promise((done) => map.once('idle', done))
  const count = (layer) => map.queryRenderedFeatures({ layers: [layer] }).length
  return { sites: map.queryRenderedFeatures({ layers: ['sites'] }).map((f) => f.properties.id),
           districts: count('home'), rivers: count('river'), names: count('site-names') + count('district-name') }
}
