import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { TwoTowerError } from '../errors.js';
import { packagePath } from '../package-root.js';
import { GRACE } from './failure.js';
import { runProgram } from './program.js';
import type { Verb } from './verb.js';

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** Commands that do what their argument says, one of them in a group. */
const acting = (refused?: Error): Verb => ({
  register(program, output) {
    const act = (what: string) => {
      if (refused !== undefined) throw refused;
      if (what === 'fail') throw new TypeError('x is not a function');
      if (what === 'bad-data')
        throw new TwoTowerError('DATA_COLUMN', 'log.csv has no column "user"', 'name another column');
      if (what === 'diverge') throw new TwoTowerError('TRAIN_DIVERGED', 'loss is NaN at step 3');
      output.warn('slow');
      output.result({ what, auc: Number.NaN }, () => output.colors.green(`did ${what}`));
    };
    program.command('train').argument('<what>').option('--seed <number>').action(act);
    program.command('send').argument('<what>').requiredOption('--users <file>').action(act);
    program.command('data').command('inspect').argument('<what>').action(act);
  },
});

interface Around {
  isTTY?: boolean;
  env?: Record<string, string>;
  /** Thrown instead of acting. */
  refused?: Error;
}

async function run(line: string, options: Around = {}): Promise<Run> {
  const result: Run = { code: -1, stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    isTTY: options.isTTY ?? false,
    write: (text: string) => {
      result[name] += text;
    },
  });
  const streams = { stdout: stream('stdout'), stderr: stream('stderr'), env: options.env ?? {} };
  result.code = await runProgram(line.split(' ').filter(Boolean), [acting(options.refused)], streams);
  return result;
}

test('a result goes to stdout, a warning to stderr', async () => {
  expect(await run('train x')).toEqual({ code: 0, stdout: 'did x\n', stderr: 'warning: slow\n' });
});

test.each(['train x --json', 'data inspect --json x'])('%s prints one JSON document', async (line) => {
  const { code, stdout, stderr } = await run(line);
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'warning: slow\n' });
  expect(JSON.parse(stdout)).toEqual({ what: 'x', auc: null });
});

test('colour on a terminal only, and not with NO_COLOR, a dumb one or that of mpirun', async () => {
  expect((await run('train x', { isTTY: true })).stdout).toBe('\x1b[32mdid x\x1b[39m\n');
  expect((await run('train x', { isTTY: true, env: { NO_COLOR: '' } })).stdout).toContain('\x1b');
  for (const name of [
    ['NO_COLOR', '1'],
    ['TERM', 'dumb'],
    ['OMPI_COMM_WORLD_RANK', '0'],
  ]) {
    expect((await run('train x', { isTTY: true, env: Object.fromEntries([name]) })).stdout).toBe('did x\n');
  }
});

test('an error of the user: message and remedy, no stack, exit code 2', async () => {
  expect(await run('train bad-data')).toEqual({
    code: 2,
    stdout: '',
    stderr: 'error DATA_COLUMN: log.csv has no column "user"\n  name another column\n',
  });
});

test('a failure of the work: exit code 1', async () => {
  expect(await run('train diverge')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'error TRAIN_DIVERGED: loss is NaN at step 3\n',
  });
});

test.each([
  [
    'mkdir',
    'ENOTDIR',
    2,
    'error FILE_REFUSED: runs/x: a part of this path is a file, not a folder\n  Name another path.\n',
  ],
  ['open', 'EACCES', 2, 'error FILE_REFUSED: runs/x: permission denied\n'],
  ['write', 'ENOSPC', 1, 'error FILE_FAILED: runs/x: the disk is full\n'],
])('what the file system refuses to %s (%s) is no fault of the program', async (syscall, code, exit, told) => {
  const refused = Object.assign(new Error(`${code}: …, ${syscall} 'runs/x'`), { code, syscall, path: 'runs/x' });
  const result = await run('train refused', { refused });
  expect({ code: result.code, stdout: result.stdout }).toEqual({ code: exit, stdout: '' });
  expect(result.stderr.startsWith(told), result.stderr).toBe(true);
});

test('a path that the program itself misses is its fault', async () => {
  const refused = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT', path: 'web/index.html' });
  expect((await run('train refused', { refused })).stderr).toMatch(/^unexpected error: Error: ENOENT/);
});

test('control characters in what is quoted do not reach the terminal', async () => {
  const { stderr } = await run('train refused', {
    refused: new TwoTowerError('DATA_VALUE', 'a\x1b[2Jb\x07\r\tc', 'Mend it.'),
  });
  expect(stderr).toBe('error DATA_VALUE: a\\x1b[2Jb\\x07\\x0d\tc\n  Mend it.\n');
});

test('a fault of the program: the stack and where to go, exit code 1', async () => {
  const { code, stdout, stderr } = await run('train fail');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^unexpected error: TypeError: x is not a function\n +at /);
  expect(stderr).toContain('Please report it');
});

test.each([
  ['train bad-data --json', 2, 'DATA_COLUMN', 'log.csv has no column "user"', 'name another column'],
  ['train diverge --json', 1, 'TRAIN_DIVERGED', 'loss is NaN at step 3', undefined],
  ['train fail --json', 1, 'UNEXPECTED', 'x is not a function', undefined],
  [
    'trian --json',
    2,
    'USAGE',
    'unknown command "trian": did you mean "train"?',
    'twotower --help shows how it is called',
  ],
])('%s: the error is the JSON document', async (line, code, name, message, remedy) => {
  const result = await run(line);
  expect(result.code).toBe(code);
  expect(JSON.parse(result.stdout)).toEqual({ error: { code: name, message, remedy } });
});

test.each([
  ['trian', 'unknown command "trian": did you mean "train"?\n  twotower --help'],
  ['fly', 'unknown command "fly": known: train, send, data\n  twotower --help'],
  ['fly --high', 'unknown command "fly"'],
  ['data inspct', 'unknown command "inspct": did you mean "inspect"?\n  twotower data --help'],
  ['train', "missing required argument 'what'\n  twotower train --help"],
  ['train x y', 'too many arguments'],
  ['train x --sed 1', "unknown option '--sed'\n(Did you mean --seed?)"],
  ['train x --seed', "option '--seed <number>' argument missing"],
  ['send x', "required option '--users <file>' not specified"],
  ['send x --user=y', 'unknown option \'--user\': did you mean "--users"?\n  twotower send --help'],
])('wrong usage: %s', async (line, message) => {
  const { code, stdout, stderr } = await run(line);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(message);
});

test('of several ranks the first tells what is wrong with the line that all were given', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const rank = (number: string) => run('train x --sed 1', { env: { OMPI_COMM_WORLD_RANK: number } });
  let isTold = false;
  const second = rank('1').then((told) => {
    isTold = true;
    return told;
  });
  expect(await rank('0')).toMatchObject({ code: 2, stderr: expect.stringContaining('unknown option') });
  expect(isTold).toBe(false);
  // Where the first one says nothing, it is told all the same.
  vi.advanceTimersByTime(GRACE);
  expect(await second).toMatchObject({ code: 2, stderr: expect.stringContaining('unknown option') });
});

test('help goes to stdout; called with nothing it goes to stderr and is wrong usage', async () => {
  const asked = await run('--help');
  expect(asked).toMatchObject({ code: 0, stderr: '' });
  expect(asked.stdout).toContain('Usage: twotower');
  expect((await run('train --help')).stdout).toContain('--json');
  expect(await run('')).toMatchObject({ code: 2, stdout: '', stderr: asked.stdout });
});

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8'));
  expect(await run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});
