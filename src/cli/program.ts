import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { didYouMean, TwoTowerError } from '../errors.js';
import { packagePath } from '../package-root.js';
import { type ExitCode, GRACE, reportFailure } from './failure.js';
import { createOutput, type Streams } from './output.js';
import type { Verb } from './verb.js';

/** Runs one command line (without `node` and the script) and returns the exit code; nothing is thrown. */
export async function runProgram(args: readonly string[], verbs: readonly Verb[], streams: Streams): Promise<ExitCode> {
  const output = createOutput(streams);
  // Known before the arguments are parsed, so that even their errors come as JSON.
  output.json = args.includes('--json');
  const { version, description } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8'));
  const program = new Command('twotower')
    .description(description)
    .version(version, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
      // Told by reportFailure.
      outputError: () => {},
      getOutHelpWidth: () => streams.stdout.columns ?? 100,
      getErrHelpWidth: () => streams.stderr.columns ?? 100,
      getOutHasColors: () => output.colors.isColorSupported,
      getErrHasColors: () => output.stderrColors.isColorSupported,
    });
  for (const verb of verbs) verb.register(program, output);
  for (const command of leaves(program)) command.option('--json', 'print the result as one JSON document');
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, output);
    if (error.exitCode === 0) return 0;
    // No command at all: commander has shown the help.
    if (error.code === 'commander.help') return 2;
    // Every rank that mpirun starts reads the same line.
    if (Number(streams.env.OMPI_COMM_WORLD_RANK) > 0) await new Promise((resolve) => setTimeout(resolve, GRACE));
    return reportFailure(usageError(error, args, program), output);
  }
}

function leaves(command: Command): Command[] {
  return command.commands.flatMap((child) => (child.commands.length === 0 ? [child] : leaves(child)));
}

function usageError(error: CommanderError, args: readonly string[], program: Command): TwoTowerError {
  // The deepest command the words lead to, and the first word that leads nowhere.
  let command = program;
  let path = program.name();
  const words = args.filter((arg) => !arg.startsWith('-'));
  for (;;) {
    const next = command.commands.find((child) => child.name() === words[0]);
    if (next === undefined) break;
    command = next;
    path += ` ${words.shift()}`;
  }
  const help = `${path} --help shows how it is called`;
  const names = command.commands.map((child) => child.name());
  const unknown = words[0];
  if (names.length > 0 && unknown !== undefined) {
    // Commander may complain of the unknown command's options instead.
    return new TwoTowerError('USAGE', `unknown command "${unknown}": ${didYouMean(unknown, names)}`, help);
  }
  const stray = strayOption(args, command);
  if (stray !== undefined && error.code !== 'commander.unknownOption') {
    // Commander misses an option before it sees the misspelled one.
    const options = command.options.flatMap(({ long }) => long ?? []);
    return new TwoTowerError('USAGE', `unknown option '${stray}': ${didYouMean(stray, options)}`, help);
  }
  return new TwoTowerError('USAGE', error.message.replace(/^error: /, ''), help);
}

/** The first word that looks like a long option and is none of this command. */
function strayOption(args: readonly string[], command: Command): string | undefined {
  const end = args.indexOf('--');
  const names = args
    .slice(0, end === -1 ? args.length : end)
    .filter((arg) => arg.startsWith('--'))
    .map((arg) => arg.replace(/=.*/s, ''));
  return names.find((name) => name !== '--help' && !command.options.some(({ long }) => long === name));
}
