// The files that `docker build` would see: the tracked ones, less what .dockerignore leaves out (the last pattern that fits decides).
import fs from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';

export function contextOf(root) {
  const patterns = fs.readFileSync(path.join(root, '.dockerignore'), 'utf8').split('\n').map(line => line.trim()).filter(line => line && !line.startsWith('#'))
    .map(line => ({ keep: line.startsWith('!'), regex: regexOf(line.replace(/^!/, '')) }));
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
  return files.filter(file => fs.existsSync(path.join(root, file)) && patterns.reduce((kept, pattern) => (pattern.regex.test(file) ? pattern.keep : kept), true));
}

// A pattern covers what it names and everything below.
function regexOf(pattern) {
  const body = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*\*\//g, '(?:.*/)?').replace(/\*\*/g, '.*').replace(/(?<!\.)\*/g, '[^/]*').replace(/\?(?!:)/g, '[^/]');
  return new RegExp(`^${body}(?:/.*)?$`);
}
