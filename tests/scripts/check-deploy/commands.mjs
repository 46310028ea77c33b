// The command lines in the pages: each `distnet VERB …` of an indented or fenced block consists of what the command knows.
import fs from 'node:fs';
import path from 'node:path';
import { finish, none } from './report.mjs';
import { wrongs } from './command-lines.mjs';

const [root, scratch] = process.argv.slice(2);
for (const page of ['README.md', 'docs/cluster.md', 'docs/failures.md', 'docs/protocol.md', 'deploy/README.md']) {
  const file = path.join(root, page);
  if (!fs.existsSync(file)) {
    none([`${page} is missing`], page);
    continue;
  }
  const text = fs.readFileSync(file, 'utf8').replace(/\\\n\s*/g, ' ');
  const wrong = [];
  let count = 0;
  for (const match of text.matchAll(/^(?: {4}|\t|\$ )?(?:[A-Z_]+=\S+ )*distnet +((?:train|coordinator|worker|status|certs)\b[^\n]*)$/gm)) {
    const words = match[1].replace(/\s+#.*$/, '').replace(/[[\]]/g, '').split(/\s+/).filter(word => word && word !== '…' && word !== '...' && word !== '&');
    if (words.includes('>') || words.includes('|')) words.length = Math.min(...['>', '|'].map(mark => words.indexOf(mark)).filter(index => index >= 0));
    wrong.push(...wrongs(scratch, words).map(found => `${match[1]}: ${found}`));
    count++;
  }
  none(wrong, `${page}: ${count} command lines are what the command knows`);
}
finish();
