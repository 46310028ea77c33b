// Carries out the Dockerfile's first stage step by step in a folder: COPY from the build context alone, RUN with this machine's SDK, the paths /source
// and /image moved below the folder. Then the image's command is asked for help where its architecture is this machine's.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';
import { contextOf } from './build-context.mjs';

const [root, scratch, arch] = process.argv.slice(2);
const require = createRequire(path.join(scratch, 'package.json'));
const { DockerfileParser } = require('dockerfile-ast');
const stage = path.join(scratch, `stage-${arch}`);
const moved = place => place.replace(/(^|\s)\/(source|image)\b/g, `$1${stage}/$2`);
const context = contextOf(root);
let folder = stage;
let run = 0;
for (const instruction of DockerfileParser.parse(fs.readFileSync(path.join(root, 'deploy/Dockerfile'), 'utf8')).getInstructions()) {
  const name = instruction.getInstruction();
  const words = instruction.getArguments().map(argument => argument.getValue());
  if (name === 'FROM' && run > 0) break; // the second stage
  if (name === 'WORKDIR') fs.mkdirSync((folder = moved(words[0])), { recursive: true });
  if (name === 'COPY') {
    const target = path.resolve(folder, moved(words.at(-1)));
    for (const source of words.slice(0, -1)) {
      const base = source.endsWith('/') ? source : path.dirname(source) + '/';
      for (const file of context.filter(candidate => candidate === source || candidate.startsWith(source.endsWith('/') ? source : `${source}/`))) {
        const to = path.join(target, base === './' ? file : file.slice(base.length));
        fs.mkdirSync(path.dirname(to), { recursive: true });
        fs.copyFileSync(path.join(root, file), to);
      }
    }
  }
  if (name === 'RUN') {
    execFileSync('sh', ['-ec', moved(instruction.getRawArgumentsContent().replace(/\\\n/g, ' '))], { cwd: folder, stdio: 'inherit', env: { ...process.env, TARGETARCH: arch } });
    run++;
  }
}

const command = path.join(stage, 'image/app/distnet');
const machine = fs.readFileSync(command).readUInt16LE(18); // ELF e_machine
const expected = { amd64: 62, arm64: 183 }[arch];
if (machine !== expected) throw new Error(`the command is for ELF machine ${machine}, expected ${expected}`);
const own = { x64: 'amd64', arm64: 'arm64' }[process.arch];
if (own === arch) execFileSync(command, ['--help'], { stdio: 'ignore' });
for (const place of ['examples/digits.yaml', 'datasets/digits.csv.gz', 'runs', 'cache']) if (!fs.existsSync(path.join(stage, 'image', place))) throw new Error(`the image has no /${place}`);
fs.rmSync(path.join(stage, 'source'), { recursive: true });
console.log(`${run} RUN steps, ELF machine ${machine}${own === arch ? ', distnet --help runs' : ' (not run: another architecture)'}`);
