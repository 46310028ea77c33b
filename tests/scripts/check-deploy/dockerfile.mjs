// The Dockerfile: a linter's findings, what COPY names, the layer that restores, and how the image runs.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { check, finish, none } from './report.mjs';
import { contextOf } from './build-context.mjs';

const [root, scratch] = process.argv.slice(2);
const require = createRequire(path.join(scratch, 'package.json'));
const { DockerfileParser } = require('dockerfile-ast');
const { validate } = require('dockerfile-utils');
const text = fs.readFileSync(path.join(root, 'deploy/Dockerfile'), 'utf8');
none(validate(text).map(found => `line ${found.range.start.line + 1}: ${found.message}`), 'the Dockerfile has no finding of dockerfile-utils');

const instructions = DockerfileParser.parse(text).getInstructions().map(instruction => ({ name: instruction.getInstruction(), words: instruction.getArguments().map(argument => argument.getValue()), content: instruction.getArgumentsContent(), flags: instruction.getFlags?.().map(flag => flag.getName()) ?? [] }));
const context = contextOf(root);
const missing = [];
for (const { words } of instructions.filter(instruction => instruction.name === 'COPY' && !instruction.flags.includes('from'))) {
  for (const source of words.slice(0, -1)) {
    if (!context.some(file => file === source || file.startsWith(source.endsWith('/') ? source : `${source}/`))) missing.push(source);
  }
}
none(missing, `COPY names only what is there and is not left out by .dockerignore (${context.length} files in the context)`);

// Every project that the command refers to is in the layer that restores.
const projects = new Set();
(function visit(project) {
  if (projects.has(project)) return;
  projects.add(project);
  for (const match of fs.readFileSync(path.join(root, project), 'utf8').matchAll(/ProjectReference Include="([^"]+)"/g)) visit(path.normalize(path.join(path.dirname(project), match[1])));
})('src/Cli/Cli.csproj');
const copied = instructions.filter(instruction => instruction.name === 'COPY').flatMap(instruction => instruction.words);
none([...projects].filter(project => !copied.includes(project)), `the layer that restores has the ${projects.size} projects of the command`);

const last = name => instructions.filter(instruction => instruction.name === name).at(-1);
check(/^\d+(:\d+)?$/.test(last('USER').content) && !last('USER').content.startsWith('0'), `the image runs as ${last('USER').content}`);
check(last('ENTRYPOINT').content === '["distnet"]', 'ENTRYPOINT is distnet');
check(!instructions.some(instruction => instruction.name === 'HEALTHCHECK' || instruction.name === 'ADD'), 'no HEALTHCHECK, no ADD');
check(instructions.filter(instruction => instruction.name === 'RUN').every(run => !/curl|wget|apt-get/.test(run.content)), 'RUN downloads nothing but packages');
finish();
