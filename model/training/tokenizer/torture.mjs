// Records the ids that the library gives hard texts:  node torture.mjs TOKENIZER.json CASES.txt OUT.ids
//
// CASES: texts that each end with the byte 0x1E. OUT: per case the count, then the ids, all uint16. Special tokens are
// taken as text, as the engine takes them.
import { readFileSync, writeFileSync } from 'node:fs'
import { Tokenizer } from 'tokenizers'

const [file, cases, out] = process.argv.slice(2)
const json = JSON.parse(readFileSync(file, 'utf8'))
const tokenizer = Tokenizer.fromString(JSON.stringify({ ...json, added_tokens: [] }))
const words = []
for (const text of readFileSync(cases, 'utf8').split('\x1e').slice(0, -1)) {
  const ids = (await tokenizer.encode(text)).getIds()
  words.push(ids.length, ...ids)
}
writeFileSync(out, Buffer.from(Uint16Array.from(words).buffer))
console.log(words.length, 'numbers')
