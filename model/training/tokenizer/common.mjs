// What training and cutting share: the pre-tokenisers, the form of tokenizer.json, and a corpus's texts.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

// As model/pretokenizer.h has them. The first alternative that matches wins, from left to right.
export const PRETOKENIZERS = {
  'silt-pre-1': String.raw`\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+`,
  'silt-pre-2': String.raw` ?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+`,
}

// Byte b is written as one printable letter in tokenizer.json; this is that table.
export function letterOfByte() {
  const printable = []
  for (let b = 0x21; b < 0x7f; b++) printable.push(b)
  for (let b = 0xa1; b < 0x100; b++) if (b !== 0xad) printable.push(b)
  const letters = new Array(256)
  for (const b of printable) letters[b] = String.fromCodePoint(b)
  let next = 256
  for (let b = 0; b < 256; b++) letters[b] ??= String.fromCodePoint(next++)
  return letters
}

// A tokenizer.json of byte-level BPE. ids: "<s>" is 0, then the bytes, then a token for each merge.
export function tokenizerJson(pretokenizer, merges) {
  const vocab = { '<s>': 0 }
  for (const letter of letterOfByte()) vocab[letter] = Object.keys(vocab).length
  let next = 257
  const kept = []
  for (const [left, right] of merges) {
    if (left + right in vocab) continue  // the same piece by another way: never reached by rank order
    vocab[left + right] = next++
    kept.push([left, right])
  }
  return JSON.stringify({
    version: '1.0', truncation: null, padding: null, normalizer: null, post_processor: null,
    added_tokens: [{ id: 0, content: '<s>', single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }],
    pre_tokenizer: { type: 'Sequence', pretokenizers: [
      { type: 'Split', pattern: { Regex: PRETOKENIZERS[pretokenizer] }, behavior: 'Isolated', invert: false },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }] },
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    model: { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null,
      fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab, merges: kept },
  })
}

// {name, documents}: the shards of a folder that build_corpus.py wrote; documents are strings.
export function* shards(folder) {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt')).sort()) {
    const data = readFileSync(join(folder, file))
    let ends = [data.length]
    try {
      ends = readFileSync(join(folder, file.replace(/txt$/, 'ends')), 'utf8').trim().split('\n').map(Number)
    } catch { /* one document */ }
    let begin = 0
    const documents = ends.map((end) => { const text = data.toString('utf8', begin, end); begin = end; return text })
    yield { name: file.slice(0, -4), documents }
  }
}
