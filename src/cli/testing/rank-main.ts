import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../program.js';
import { verbs } from '../verbs.js';

// One rank's command line; leaves its process number in the folder that comes first, so that a test can kill it.
const [folder, ...args] = process.argv.slice(3);
writeFileSync(join(folder!, `rank-${process.env.OMPI_COMM_WORLD_RANK}`), String(process.pid));
process.exitCode = await runProgram(args, verbs, process);
