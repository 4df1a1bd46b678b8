import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { BatchAssembler, itemFeeds } from '../src/data/batches.js';
import type { Dataset } from '../src/data/dataset.js';
import { loadDataset } from '../src/data/load.js';
import { allItemStates, scoreEvents } from '../src/evaluation/evaluate.js';
import { packagePath } from '../src/package-root.js';
import { environment } from '../src/runs/environment.js';
import { openRun } from '../src/runs/open.js';
import { predict } from '../src/runs/predict.js';
import { readConfig } from '../src/runs/read-config.js';
import { trainRun } from '../src/runs/train.js';
import type { Feeds } from '../src/schema.js';
import { rawRequests } from './raw-requests.js';
import { writeResults } from './results.js';

export const name = 'parity';
export const description =
  'every test sample of KuaiRand-Pure scored by the training graph, the ONNX files and predict [MODEL]';

/** Scores event rows with nothing but the exported files, one request at a time. */
async function scoreWithFiles(folder: string, dataset: Dataset, rows: Uint32Array): Promise<Float32Array> {
  const session = async (part: string) => ort.InferenceSession.create(await readFile(join(folder, `${part}.onnx`)));
  const [item, user, score] = [await session('item'), await session('user'), await session('score')];
  const tensors = (names: readonly string[], feeds: Feeds) =>
    Object.fromEntries(
      names.map((name) => {
        const { data, shape } = feeds[name]!;
        return [name, new ort.Tensor(data instanceof Int32Array ? 'int32' : 'float32', data as Float32Array, shape)];
      }),
    );
  const all = Int32Array.from({ length: dataset.items.count }, (_, row) => row);
  const itemStates = await item.run(tensors(item.inputNames, itemFeeds(dataset, all)));
  const assembler = new BatchAssembler(dataset, { itemPerPair: true });
  const logits = new Float32Array(rows.length);
  const row = (tensor: ort.Tensor, at: number) => {
    const size = tensor.dims.slice(1).reduce((a, b) => a * b, 1);
    const data = (tensor.data as Float32Array).slice(at * size, (at + 1) * size);
    return new ort.Tensor(tensor.type as 'float32', data, [1, ...tensor.dims.slice(1)]);
  };
  for (let from = 0; from < rows.length; from += 512) {
    const batch = assembler.assemble(rows.subarray(from, from + 512), 0);
    const states = await user.run(tensors(user.inputNames, batch.feeds));
    for (const [i, event] of batch.events.entries()) {
      const feeds: Record<string, ort.Tensor> = {};
      for (const name of score.inputNames) {
        feeds[name] = name.startsWith('user.')
          ? row(states[name]!, i)
          : row(itemStates[name]!, dataset.events.item[event]!);
      }
      logits[from + i] = (await score.run(feeds)).logit!.data[0] as number;
    }
  }
  return logits;
}

function largestGap(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

export async function run([model = 'dssm']: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'twotower-parity-'));
  const dataset = await loadDataset('kuairand-pure');
  const config = readConfig(packagePath('configs', `${model}-kuairand.yaml`), ['training.epochs=1']);
  await trainRun(config, { out: join(folder, 'run'), dataset });
  const trained = await openRun(join(folder, 'run'));
  const rows = dataset.splits.test;
  const states = await allItemStates(trained.inference, dataset);
  const reference = await scoreEvents(trained.inference, dataset, rows, states);
  const gaps = {
    files: largestGap(reference, await scoreWithFiles(join(folder, 'run', 'model'), dataset, rows)),
    predict: largestGap(reference, (await predict(trained, await rawRequests())).logits),
  };
  console.log(`${model}: ${rows.length.toLocaleString('en-US')} test samples, largest difference of a logit`);
  console.log(
    `  training graph in serving mode against the ONNX files, one request at a time  ${gaps.files.toExponential(1)}`,
  );
  console.log(
    `  against predict from raw values and the run folder alone                      ${gaps.predict.toExponential(1)}`,
  );
  await writeResults(`parity-${model}`, {
    model,
    samples: rows.length,
    gaps,
    dataHash: dataset.hash,
    environment: environment(),
  });
  await rm(folder, { recursive: true });
}
