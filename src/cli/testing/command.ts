// Runs one command line in a process of its own, so that a test can send it signals.
import { runProgram } from '../program.js';
import { verbs } from '../verbs.js';

process.exitCode = await runProgram(process.argv.slice(3), verbs, process);
