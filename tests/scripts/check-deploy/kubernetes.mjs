// The rendered manifests: against Kubernetes' published types (an unknown field is an error) and validators, and each reference against what it names.
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { parseAllDocuments } from 'yaml';
import { check, finish, none } from './report.mjs';
import { valueOf, wrongs } from './command-lines.mjs';

const [root, scratch] = process.argv.slice(2);

function read(file) {
  const documents = parseAllDocuments(fs.readFileSync(file, 'utf8'), { strict: true, uniqueKeys: true });
  return documents.flatMap(document => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0].message}`);
    return document.contents === null ? [] : [document.toJS()];
  });
}

// Each object as a typed literal: the compiler names what the published type does not know, lacks, or types otherwise.
function typed(name, objects) {
  const lines = objects.map((object, index) => {
    const from = object.apiVersion === 'v1' ? 'kubernetes-models/v1' : `kubernetes-models/${object.apiVersion}`;
    return `import type { I${object.kind} as T${index} } from "${from}"; export const o${index}: T${index} = ${JSON.stringify(object)};`;
  });
  const file = path.join(scratch, `${name}.ts`);
  fs.writeFileSync(file, lines.join('\n'));
  const compiler = spawnSync('npx', ['tsc', '--noEmit', '--strict', '--skipLibCheck', '--module', 'esnext', '--moduleResolution', 'bundler', file], { cwd: scratch, encoding: 'utf8' });
  const errors = compiler.stdout.split('\n').filter(line => line.includes('error')).map(line => {
    const index = Number(/\((\d+),/.exec(line)?.[1] ?? 1) - 1;
    return `${objects[index]?.kind} ${objects[index]?.metadata.name}: ${line.replace(/^.*error TS\d+: /, '')}`;
  });
  if (compiler.status !== 0 && errors.length === 0) errors.push(compiler.stdout + compiler.stderr);
  none(errors, `${name}: ${objects.length} objects have no field that Kubernetes' types do not know, and lack none`);
}

async function validated(name, objects) {
  const wrong = [];
  for (const object of objects) {
    const models = await import(object.apiVersion === 'v1' ? 'kubernetes-models/v1' : `kubernetes-models/${object.apiVersion}`);
    try {
      new models[object.kind](object).validate();
    } catch (error) {
      wrong.push(`${object.kind} ${object.metadata.name}: ${error.message}`);
    }
  }
  none(wrong, `${name}: values, formats and enumerations are valid`);
}

function references(name, objects, secrets) {
  const wrong = [];
  const of = kind => objects.filter(object => object.kind === kind);
  const named = (kind, wanted) => of(kind).find(object => object.metadata.name === wanted);
  const need = (holds, what) => holds || wrong.push(what);
  const selects = (selector, labels) => Object.entries(selector).every(([key, value]) => labels?.[key] === value);
  const workloads = [...of('StatefulSet'), ...of('Deployment')];
  const places = new Set(of('Service').flatMap(service => [service.metadata.name]));
  for (const object of objects) need(object.kind === 'Namespace' || object.metadata.namespace === of('Namespace')[0].metadata.name, `${object.metadata.name} is in another namespace`);

  for (const service of of('Service')) {
    const target = workloads.find(workload => selects(service.spec.selector, workload.spec.template.metadata.labels));
    need(target, `Service ${service.metadata.name} selects nothing`);
    const ports = target?.spec.template.spec.containers.flatMap(container => container.ports ?? []) ?? [];
    for (const port of service.spec.ports) need(ports.some(candidate => candidate.name === port.targetPort && candidate.containerPort === port.port), `Service port ${port.name} has no container port`);
  }

  for (const policy of [...of('PodDisruptionBudget').map(budget => [budget, budget.spec.selector]), ...of('NetworkPolicy').map(policy => [policy, policy.spec.podSelector])]) {
    need(workloads.some(workload => selects(policy[1].matchLabels, workload.spec.template.metadata.labels)), `${policy[0].kind} ${policy[0].metadata.name} selects nothing`);
  }
  for (const policy of of('NetworkPolicy')) {
    const target = workloads.find(workload => selects(policy.spec.podSelector.matchLabels, workload.spec.template.metadata.labels));
    const ports = target?.spec.template.spec.containers.flatMap(container => container.ports ?? []).map(port => port.name) ?? [];
    for (const rule of policy.spec.ingress) for (const port of rule.ports) need(ports.includes(port.port), `NetworkPolicy ${policy.metadata.name} names port ${port.port}, which no container has`);
  }

  for (const workload of workloads) {
    const pod = workload.spec.template.spec;
    const who = `${workload.kind} ${workload.metadata.name}`;
    need(selects(workload.spec.selector.matchLabels, workload.spec.template.metadata.labels), `${who}: its selector is not its template's labels`);
    need((pod.terminationGracePeriodSeconds ?? 0) >= 30, `${who}: no time to end`);
    if (workload.kind === 'StatefulSet') need(named('Service', workload.spec.serviceName)?.spec.clusterIP === 'None', `${who}: serviceName is no headless service`);
    need(pod.securityContext?.runAsNonRoot && pod.securityContext.runAsUser > 0 && pod.securityContext.seccompProfile?.type === 'RuntimeDefault', `${who}: may run as root, or without seccomp`);
    const volumes = new Map([...(pod.volumes ?? []).map(volume => [volume.name, volume]), ...(workload.spec.volumeClaimTemplates ?? []).map(claim => [claim.metadata.name, claim])]);
    const used = new Set();
    for (const volume of pod.volumes ?? []) {
      if (volume.configMap) need(named('ConfigMap', volume.configMap.name), `${who}: no ConfigMap ${volume.configMap.name}`);
      if (volume.secret) need(secrets.some(secret => secret.metadata.name === volume.secret.secretName), `${who}: make-secrets.sh makes no ${volume.secret.secretName}`);
    }
    for (const container of pod.containers) {
      const which = `${who}, ${container.name}`;
      const mounts = new Map();
      for (const mount of container.volumeMounts ?? []) {
        need(volumes.has(mount.name), `${which}: no volume ${mount.name}`);
        mounts.set(mount.mountPath, volumes.get(mount.name));
        used.add(mount.name);
      }
      const security = container.securityContext ?? {};
      need(security.readOnlyRootFilesystem && security.allowPrivilegeEscalation === false && security.capabilities?.drop?.includes('ALL'), `${which}: not locked down`);
      need(container.resources?.requests?.cpu && container.resources.limits?.memory, `${which}: no resources`);
      const ports = container.ports ?? [];
      for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe].filter(Boolean)) need(ports.some(port => port.name === probe.tcpSocket.port), `${which}: a probe's port is none of its ports`);
      for (const variable of (container.args ?? []).join(' ').matchAll(/\$\((\w+)\)/g)) need(container.env?.some(entry => entry.name === variable[1]), `${which}: no variable ${variable[1]}`);
      wrong.push(...wrongs(scratch, container.args).map(found => `${which}: ${found}`));

      // Ports and names in the command line are those of the manifests; paths are mounted, or the image's.
      const portOf = address => Number(address?.split(':').pop());
      const has = port => ports.some(candidate => candidate.containerPort === port);
      for (const option of ['--bind', '--control-bind']) if (valueOf(container.args, option)) need(has(portOf(valueOf(container.args, option))), `${which}: ${option} is none of its ports`);
      if (valueOf(container.args, '--control-port')) need(has(Number(valueOf(container.args, '--control-port'))), `${which}: --control-port is none of its ports`);
      for (const option of ['--join', '--public']) {
        const address = valueOf(container.args, option);
        if (!address) continue;
        const [pod0, service] = address.split(':')[0].split('.');
        need(places.has(service) && workloads.some(candidate => candidate.kind === 'StatefulSet' && `${candidate.metadata.name}-0` === pod0), `${which}: ${option} ${address} is no pod of a service`);
        need(named('Service', service)?.spec.ports.some(port => port.port === portOf(address)), `${which}: ${option} ${address} is no port of the service`);
      }
      const paths = container.args.filter(word => word.startsWith('/')).concat(['--out', '--data', '--cache', '--token-file', '--tls'].map(option => valueOf(container.args, option)).filter(Boolean));
      for (const file of paths) {
        const mount = [...mounts.keys()].find(place => file === place || file.startsWith(`${place}/`));
        need(mount || file === '/datasets', `${which}: ${file} is neither mounted nor in the image`);
        const volume = mounts.get(mount);
        if (volume?.configMap) need(path.basename(file) in (named('ConfigMap', volume.configMap.name)?.data ?? {}), `${which}: ${file} is not in the ConfigMap`);
        if (volume?.secret && file.startsWith('/secrets/token/')) need(secretKeys(secrets, volume).includes(path.basename(file)), `${which}: ${file} is not in the secret`);
        if (volume?.secret && file === '/secrets/tls') for (const key of ['ca.pem', 'host.pem', 'host.key']) need(secretKeys(secrets, volume).includes(key), `${which}: the secret has no ${key}`);
      }
    }
    for (const volume of volumes.keys()) need(used.has(volume), `${who}: volume ${volume} is mounted nowhere`);
  }
  none(wrong, `${name}: services, ports, volumes, secrets, config maps, selectors, names and options agree`);
}

function secretKeys(secrets, volume) {
  const secret = secrets.find(candidate => candidate.metadata.name === volume.secret.secretName);
  return Object.keys({ ...secret?.data, ...secret?.stringData });
}

for (const file of fs.readdirSync(path.join(root, 'deploy/kubernetes/base'))) read(path.join(root, 'deploy/kubernetes/base', file));
const secrets = fs.existsSync(path.join(scratch, 'secrets.yaml')) ? read(path.join(scratch, 'secrets.yaml')) : [];
check(secrets.length > 0, `make-secrets.sh prints ${secrets.map(secret => secret.metadata.name).join(', ')}`);
if (secrets.length > 0) {
  typed('secrets', secrets);
  await validated('secrets', secrets);
}
for (const name of ['base', 'with-local-worker']) {
  const objects = read(path.join(scratch, `${name}.yaml`));
  typed(name, objects);
  await validated(name, objects);
  references(name, objects, secrets);
}
finish();
