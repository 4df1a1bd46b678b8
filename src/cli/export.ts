import { statSync } from 'node:fs';
import { join } from 'node:path';
import { exportRun } from '../runs/export.js';
import { openRun } from '../runs/open.js';
import { bytes } from './format.js';
import { examples } from './options.js';
import { table } from './table.js';
import type { Verb } from './verb.js';

export const exportModel: Verb = {
  register(program, output) {
    program
      .command('export')
      .description("write a run's model as ONNX files with a manifest")
      .argument('<run>', 'run folder')
      .requiredOption('--out <dir>', 'folder to write; it must not exist or be empty')
      .addHelpText('after', examples('twotower export runs/dssm-kuairand-1 --out model'))
      .action(async (folder: string, { out }: { out: string }) => {
        const run = await openRun(folder, { warn: output.warn });
        try {
          const manifest = await exportRun(run, out);
          output.result({ out, manifest }, () => {
            const rows = Object.values(manifest.parts).map(({ file, inputs, outputs }) => [
              join(out, file),
              bytes(statSync(join(out, file)).size),
              inputs.length,
              outputs.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', '),
            ]);
            return `${table([['file', 'size', 'inputs', 'outputs'], ...rows])}\n\nNames, types and shapes are in ${join(out, 'manifest.json')}.`;
          });
        } finally {
          await run.release();
        }
      });
  },
};
