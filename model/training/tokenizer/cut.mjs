// Cuts a tokenizer to a smaller vocabulary:  node cut.mjs PRETOKENIZER IN.json VOCABULARY OUT.json
import { readFileSync, writeFileSync } from 'node:fs'
import { tokenizerJson } from './common.mjs'

const [pretokenizer, input, vocabulary, out] = process.argv.slice(2)
const { merges } = JSON.parse(readFileSync(input, 'utf8')).model
writeFileSync(out, tokenizerJson(pretokenizer, merges.slice(0, Number(vocabulary) - 257)))
