// Trains byte-level BPE on a sample of a corpus:  node train.mjs PRETOKENIZER BYTES_EACH OUT.json FOLDER...
//
// BYTES_EACH are taken of each group of shards (its name up to the number), spread over its documents. Merges come in
// order of rank, so that cut.mjs makes every smaller vocabulary from the 30,000 entries that the library trains.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Tokenizer } from 'tokenizers'
import { shards, tokenizerJson } from './common.mjs'

const [pretokenizer, bytesEach, out, ...folders] = process.argv.slice(2)
const STRETCH = 2000  // characters taken at a time

function sample(documents, wanted) {
  const total = documents.reduce((sum, text) => sum + text.length, 0)
  const parts = []
  const every = Math.max(STRETCH, Math.floor(total / wanted * STRETCH))
  let at = 0, before = 0
  for (const text of documents) {
    for (; at < before + text.length; at += every) parts.push(text.slice(at - before, at - before + STRETCH))
    before += text.length
  }
  return parts.join('\n')
}

const groups = new Map()
for (const folder of folders) {
  for (const { name, documents } of shards(folder)) {
    const group = name.replace(/-\d+$/, '').replace(/^(doc|world)s?-.*/, '$1s')
    groups.set(group, [...groups.get(group) ?? [], ...documents])
  }
}
const temporary = mkdtempSync(join(tmpdir(), 'silt-bpe-'))
const files = []
for (const [group, documents] of groups) {
  const text = sample(documents, Number(bytesEach) * (group === 'docs' || group === 'worlds' ? 3 : 1))
  files.push(join(temporary, `${group}.txt`))
  writeFileSync(files.at(-1), text)
  console.log(group, documents.length, 'documents', text.length, 'characters')
}
const tokenizer = Tokenizer.fromString(tokenizerJson(pretokenizer, []))
tokenizer.train(files)
tokenizer.save(join(temporary, 'trained.json'))
const { merges } = JSON.parse(readFileSync(join(temporary, 'trained.json'), 'utf8')).model
rmSync(temporary, { recursive: true })
writeFileSync(out, tokenizerJson(pretokenizer, merges.map((m) => Array.isArray(m) ? m : m.split(' '))))
console.log(merges.length, 'merges')
