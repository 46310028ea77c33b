// The units' command lines and variables; systemd's own checks follow in check-deploy.sh.
import fs from 'node:fs';
import path from 'node:path';
import { finish, none } from './report.mjs';
import { wrongs } from './command-lines.mjs';

const [root, scratch] = process.argv.slice(2);
const folder = path.join(root, 'deploy/systemd');
for (const [unit, environment] of [['distnet-coordinator.service', 'coordinator.env'], ['distnet-worker@.service', 'worker.env']]) {
  const lines = fs.readFileSync(path.join(folder, unit), 'utf8').split('\n');
  const settings = name => lines.filter(line => line.startsWith(`${name}=`)).map(line => line.slice(name.length + 1));
  const variables = new Map(fs.readFileSync(path.join(folder, environment), 'utf8').split('\n').filter(line => /^\w+=/.test(line)).map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  variables.set('CREDENTIALS_DIRECTORY', '/run/credentials');
  const wrong = [];
  const words = settings('ExecStart')[0].split(' ').slice(1).flatMap(word => {
    const filled = word.replace(/\$\{?(\w+)\}?/g, (_, name) => {
      if (!variables.has(name)) wrong.push(`${environment} has no ${name}`);
      return variables.get(name) ?? '';
    });
    return word.startsWith('$') && !word.startsWith('${') ? filled.split(' ').filter(Boolean) : [filled]; // unbraced: split at blanks
  });
  wrong.push(...wrongs(scratch, words));
  if (!settings('EnvironmentFile').includes(`/etc/distnet/${environment}`)) wrong.push(`no EnvironmentFile=/etc/distnet/${environment}`);
  for (const key of ['token', 'ca.pem', 'host.pem', 'host.key']) if (!settings('LoadCredential').some(value => value.startsWith(`${key}:`))) wrong.push(`no LoadCredential=${key}`);
  if (settings('User')[0] !== 'distnet') wrong.push('another user than distnet.sysusers makes');
  none(wrong, `${unit}: variables, credentials, user and options agree`);
}
finish();
