/** Build step: tells the service worker which files the field page is made of, so that all of them are on the phone. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

export const MARK = '__JINYUN_SHELL__'
const PUBLIC = ['theme.js', 'field/manifest.webmanifest', 'field/icon.svg', 'field/icon-192.png', 'field/icon-512.png']

export function fieldShell(): Plugin {
  return {
    name: 'jinyun-field-shell',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const page = bundle['field.html']
      const worker = bundle['field-sw.js']
      if (!page || page.type !== 'asset' || !worker || worker.type !== 'chunk') throw new Error('field.html or field-sw.js is not part of the build')
      const wanted = new Set<string>()
      const take = (name: string): void => {
        if (wanted.has(name) || !(name in bundle)) return
        wanted.add(name)
        const one = bundle[name]!
        const text = one.type === 'chunk' ? one.code : typeof one.source === 'string' ? one.source : ''
        // What a file names is what it may ask for: chunks, styles, workers.
        const styles = (one as { viteMetadata?: { importedCss: Set<string>; importedAssets: Set<string> } }).viteMetadata
        for (const other of [...(styles?.importedCss ?? []), ...(styles?.importedAssets ?? [])]) take(other)
        for (const other of Object.keys(bundle)) if (other !== name && other.startsWith('assets/') && text.includes(other.slice('assets/'.length))) take(other)
      }
      take('field.html')
      const digest = createHash('sha256')
      const files = [...wanted].sort().filter((name) => name !== 'field.html')
      for (const name of ['field.html', ...files]) {
        const one = bundle[name]!
        digest.update(name).update(one.type === 'chunk' ? one.code : one.source)
      }
      for (const name of PUBLIC) digest.update(readFileSync(fileURLToPath(new URL(`../../public/${name}`, import.meta.url))))
      const shell = { version: digest.digest('hex').slice(0, 16), files: ['/field', ...files.map((name) => `/${name}`), ...PUBLIC.map((name) => `/${name}`)] }
      if (!worker.code.includes(MARK)) throw new Error('field-sw.js has no mark for its files')
      worker.code = worker.code.replace(new RegExp(`["'\`]${MARK}["'\`]`), JSON.stringify(shell))
    },
  }
}
