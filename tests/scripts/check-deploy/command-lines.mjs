// Command lines against what `distnet VERB --help` lists.
import fs from 'node:fs';
import path from 'node:path';

// The options of a verb: name → whether it takes a value. Null where the command does not know the verb.
export function optionsOf(scratch, verb) {
  const file = path.join(scratch, 'help', verb);
  if (!fs.existsSync(file)) return null;
  const options = new Map();
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const match = /^\s+((?:-\w, )?(?:-[-\w?]+(?:, )?)+)( <[^>]+>)?/.exec(line);
    if (!match) continue;
    for (const name of match[1].split(', ')) if (name.startsWith('--')) options.set(name.trim(), Boolean(match[2]));
  }
  return options;
}

// What is wrong with a command line: unknown verb, unknown option, a value that is missing or too much, no argument where one is due.
export function wrongs(scratch, words) {
  const [verb, ...rest] = words;
  const options = optionsOf(scratch, verb);
  if (options === null) return [`the command knows no verb '${verb}'`];
  const found = [];
  let free = 0;
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index];
    if (!word.startsWith('--')) {
      free++;
      continue;
    }
    const [name, value] = word.includes('=') ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] : [word, null];
    if (!options.has(name)) found.push(`${verb} knows no ${name}`);
    else if (!options.get(name) && value !== null) found.push(`${verb} ${name} takes no value`);
    else if (options.get(name) && value === null && (++index >= rest.length || rest[index].startsWith('--'))) found.push(`${verb} ${name} has no value`);
  }
  const due = { train: 1, coordinator: 1, worker: 0, status: 0, certs: 0 }[verb];
  if (due !== undefined && free !== due) found.push(`${verb} has ${free} arguments, expected ${due}`);
  return found;
}

export function valueOf(words, name) {
  const word = words.find(candidate => candidate.startsWith(`${name}=`));
  return word === undefined ? null : word.slice(name.length + 1);
}
