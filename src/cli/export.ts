import { statSync } from 'node:fs';
import { join } from 'node:path';
import { TwoTowerError } from '../errors.js';
import { exportParquet } from '../runs/export/parquet.js';
import { exportVespa, VESPA_FILES } from '../runs/export/vespa/package.js';
import { tensorType } from '../runs/export/vespa/tensors.js';
import { exportRun } from '../runs/export.js';
import { openRun, type Run } from '../runs/open.js';
import { bytes, count } from './format.js';
import { examples, wholeNumber } from './options.js';
import type { Output } from './output.js';
import { table } from './table.js';
import type { Verb } from './verb.js';
import { watchLoading } from './watch.js';

const FORMATS = ['onnx', 'parquet', 'vespa'] as const;

interface Options {
  out: string;
  to: string;
  data?: string;
  second?: string;
  keep?: number;
  rerank?: number;
}

export const exportModel: Verb = {
  register(program, output) {
    program
      .command('export')
      .description("write a run's model as ONNX files, its item states as Parquet, or an application for Vespa")
      .argument('<run>', 'run folder')
      .requiredOption('--out <dir>', 'folder to write; it must not exist or be empty')
      .option('--to <format>', 'onnx, parquet (ONNX files and the states of all items) or vespa (experimental)', 'onnx')
      .option('--data <dir>', 'folder of the data files, if they have moved (parquet, vespa)')
      .option('--second <run>', 'run whose score orders the second phase, instead of the same one (vespa)')
      .option(
        '--keep <n>',
        'N1: documents that the first phase keeps on a node, 500 unless given (vespa)',
        wholeNumber(1),
      )
      .option(
        '--rerank <n>',
        'N2: documents that the second phase scores on a node, 100 unless given (vespa)',
        wholeNumber(1),
      )
      .addHelpText(
        'after',
        examples(
          'twotower export runs/dssm-kuairand-1 --out model',
          'twotower export runs/dssm-kuairand-1 --to parquet --out items',
          'twotower export runs/dssm-kuairand-1 --to vespa --second runs/dcn-v2-kuairand-1 --out vespa',
        ),
      )
      .action(async (folder: string, options: Options) => {
        refuseStrayOptions(options);
        const opened: Run[] = [];
        const open = async (path: string) => {
          const run = await openRun(path, { warn: output.warn });
          opened.push(run);
          return run;
        };
        try {
          const run = await open(folder);
          const second = options.second === undefined ? undefined : await open(options.second);
          if (options.to === 'vespa') await toVespa(run, second, options, output);
          else if (options.to === 'parquet') await toParquet(run, options, output);
          else await toOnnx(run, options, output);
        } finally {
          for (const run of opened) await run.release();
        }
      });
  },
};

/** An option that another format would obey does nothing here: whoever gives it expects something. */
function refuseStrayOptions(options: Options): void {
  const { to } = options;
  if (!(FORMATS as readonly string[]).includes(to)) {
    throw new TwoTowerError('USAGE', `--to ${to}: there is no such format`, `It must be one of ${FORMATS.join(', ')}.`);
  }
  const stray = (['second', 'keep', 'rerank'] as const).find((name) => to !== 'vespa' && options[name] !== undefined);
  const data = to === 'onnx' && options.data !== undefined ? 'data' : undefined;
  const named = stray ?? data;
  if (named === undefined) return;
  throw new TwoTowerError('USAGE', `--${named} means nothing with --to ${to}`, 'Leave it out, or name another format.');
}

async function toOnnx(run: Run, { out }: Options, output: Output): Promise<void> {
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
}

async function toParquet(run: Run, { out, data }: Options, output: Output): Promise<void> {
  const progress = output.progress();
  const written = await exportParquet(run, out, { root: data, onProgress: watchLoading(progress) }).finally(() =>
    progress.done(),
  );
  output.result({ out, ...written }, () => {
    const file = join(out, 'items.parquet');
    const columns = written.columns.map(({ column, dtype, shape }) => [column, dtype, `[${shape.join(', ')}]`]);
    return [
      `${file}: ${count(written.rows)} items, ${bytes(statSync(file).size)}`,
      '',
      table([['column', 'type', 'shape of one item'], [written.key, 'text', ''], ...columns]),
      '',
      `The ONNX files are in ${join(out, 'model')}; ${join(out, 'items.json')} says which column is compared with which user state.`,
    ].join('\n');
  });
}

async function toVespa(run: Run, second: Run | undefined, options: Options, output: Output): Promise<void> {
  const { out, data, keep, rerank } = options;
  const progress = output.progress();
  const settings = { root: data, onProgress: watchLoading(progress), second, keep, rerank };
  const written = await exportVespa(run, out, settings).finally(() => progress.done());
  if ((second ?? run).model.rerank !== undefined) {
    output.warn('the part that re-ranks whole lists is left out: Vespa scores documents one by one');
  }
  output.result({ out, ...written }, () => {
    const tensors = [
      ...written.attributes.map((tensor) => ['attribute', tensor.name, tensorType(tensor)]),
      ...written.inputs.map((tensor) => ['query input', tensor.name, tensorType(tensor)]),
    ];
    return [
      table([['of', 'name', 'type'], ...tensors]),
      '',
      `${count(written.documents)} documents; the first phase keeps ${count(written.keep)} on a node, the second scores ${count(written.rerank)}`,
      '',
      'next (experimental: written after the documentation of Vespa, deployed by nobody yet)',
      `  vespa deploy --wait 300 ${join(out, 'application')}`,
      `  vespa feed ${join(out, VESPA_FILES.feed)}`,
      `  vespa query --file ${join(out, VESPA_FILES.query)}`,
    ].join('\n');
  });
}
