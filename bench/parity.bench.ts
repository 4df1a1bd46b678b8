import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
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
import { writeResults } from './results.js';

export const name = 'parity';
export const description =
  'every test sample of KuaiRand-Pure scored by the training graph, the ONNX files and predict [MODEL]';

type Raw = Record<string, unknown>;

/** What a caller without the dataset would send: raw columns, and histories put together from the source files. */
async function rawRequests() {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const query = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJson() as Raw[];
  const file = (table: string) => `'${packagePath('datasets', 'kuairand-pure', `${table}.parquet`)}'`;
  const users = new Map((await query(`select * from ${file('users')}`)).map((row) => [String(row.user_id), row]));
  const items = await query(`select * from ${file('items')}`);
  const seeds = await query(`select user_id, long_watch_seq from ${file('history')}`);
  const events = await query(`select user_id, video_id, tab, time_ms, is_click, date
    from read_parquet(${file('events')}, file_row_number = true) order by time_ms, file_row_number`);
  const past = new Map<string, { item: unknown; time: number }[]>();
  for (const { user_id, long_watch_seq } of seeds) {
    past.set(
      String(user_id),
      (long_watch_seq as unknown[]).map((item) => ({ item, time: Number.NEGATIVE_INFINITY })),
    );
  }
  const requests: Raw[] = [];
  const wanted: unknown[] = [];
  for (const event of events) {
    const user = String(event.user_id);
    const time = Number(event.time_ms) / 1000;
    const history = past.get(user) ?? [];
    if (Number(event.date) >= 20220507) {
      const before = history.filter((earlier) => earlier.time < time).slice(-50);
      requests.push({ ...users.get(user), tab: event.tab, time_ms: event.time_ms, histories: { clicks: before } });
      wanted.push(event.video_id);
    }
    if (Number(event.is_click) === 1) past.set(user, [...history, { item: event.video_id, time }]);
  }
  const at = new Map(items.map((item, i) => [String(item.video_id), i]));
  const pairs = wanted.map((item, user) => ({ user, item: at.get(String(item))! }));
  return { users: requests, items, pairs };
}

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
