import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { fieldShell } from './src/field/precache.ts'

// JINYUN_NODE: address of a running node for `npm run dev`.
const node = process.env.JINYUN_NODE ?? 'http://127.0.0.1:8212'

export default defineConfig({
  plugins: [vue(), fieldShell()],
  base: '/',
  build: {
    outDir: 'dist',
    target: 'es2022',
    assetsInlineLimit: 0, // everything is a file of our own origin: no data: addresses for a strict content policy
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      input: { index: 'index.html', field: 'field.html', 'field-sw': 'src/field/sw.ts' },
      output: { entryFileNames: (one) => (one.name === 'field-sw' ? 'field-sw.js' : 'assets/[name]-[hash].js') },
    },
  },
  server: { proxy: { '/api': node } },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
})
