import { buildIndex } from '../../cascade/index/build.js';
import { TwoTowerError } from '../../errors.js';
import { Random } from '../../random.js';
import { ExactSearch } from '../engine/exact-search.js';
import type { Effort } from './effort.js';
import type { Rates } from './rates.js';

/** Values of the array that fits in a cache. */
const NEAR_VALUES = 1 << 16;
const QUERIES = 32;

/** Multiply-adds a second of looking at every vector, as the engine does without an index. */
export function measureScan(width: number, vectors: number, keep: number, { scanRows }: Effort): number {
  const { data } = vectorsOf(scanRows, width);
  const query = vectorsOf(vectors, width).data;
  const exact = new ExactSearch(() => ({ data, stride: width, offset: 0, width }), scanRows);
  const search = () => exact.search(scanRows, query, keep, (row) => row > 0, 1);
  // Until then it is interpreted.
  for (let i = 0; i < 3; i++) search();
  const times = Array.from({ length: 5 }, () => {
    const started = processorMs();
    search();
    return processorMs() - started;
  });
  return (scanRows * width * vectors * 1000) / typical(times);
}

/** Links and searches a small graph; undefined where its library cannot be loaded. */
export async function measureIndex(width: number, keep: number, effort: Effort): Promise<Rates['index']> {
  const rows = effort.linkRows;
  const started = processorMs();
  const index = await buildIndex(vectorsOf(rows, width), {
    kind: 'hnsw',
    threads: 1,
    recall: { queries: 0 },
  }).catch((error: unknown) => {
    if (error instanceof TwoTowerError && error.code === 'INDEX_ENGINE') return undefined;
    throw error;
  });
  if (index === undefined) return undefined;
  const linkMsPerRow = (processorMs() - started) / rows;
  const queries = vectorsOf(QUERIES, width).data;
  const times: number[] = [];
  for (let i = 0; i < QUERIES; i++) {
    const data = queries.subarray(i * width, (i + 1) * width);
    const begin = processorMs();
    await index.search({ data, shape: [1, width] }, Math.min(keep, rows / 8));
    times.push(processorMs() - begin);
  }
  await index.release();
  return { rows, linkMsPerRow, searchMs: typical(times), farFactor: Math.max(1, farFactor(width, effort)) };
}

/** How much longer the product with a random row takes where rows lie far apart in memory. */
function farFactor(width: number, { farValues }: Effort): number {
  const query = vectorsOf(1, width).data;
  const time = (values: number) => {
    const rows = Math.floor(values / width);
    const data = new Float32Array(rows * width).fill(1);
    const random = Random.of(1, 'far');
    const picked = Int32Array.from({ length: 100_000 }, () => random.below(rows));
    const runs = Array.from({ length: 3 }, () => {
      const started = processorMs();
      let sum = 0;
      for (const row of picked) for (let i = 0, at = row * width; i < width; i++) sum += data[at + i]! * query[i]!;
      return sum === 0 ? Number.POSITIVE_INFINITY : processorMs() - started;
    });
    return Math.min(...runs);
  };
  return time(farValues) / time(NEAR_VALUES);
}

function vectorsOf(rows: number, width: number): { data: Float32Array; shape: number[] } {
  const random = Random.of(1, `vectors ${rows}`);
  const scale = 1 / Math.sqrt(width);
  return { data: Float32Array.from({ length: rows * width }, () => scale * random.normal()), shape: [rows, width] };
}

/** Processor milliseconds of this process: what others do on the machine does not count. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The lower quartile: what it takes when nothing else gets in between, which never makes anything faster. */
export function typical(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 4)]!;
}
