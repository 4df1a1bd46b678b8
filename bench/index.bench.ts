import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIndex, type IndexOptions, parseIndexOptions } from '../src/cascade/index/build.js';
import { HnswIndex } from '../src/cascade/index/hnsw.js';
import { loadIndex } from '../src/cascade/index/load.js';
import type { IndexManifest } from '../src/cascade/index/manifest.js';
import { measureRecall } from '../src/cascade/index/recall.js';
import type { RetrievalIndex, Vectors } from '../src/cascade/index/retrieval-index.js';
import { Random } from '../src/random.js';
import { environment } from '../src/runs/environment.js';
import { writeResults } from './results.js';

export const name = 'index';
export const description =
  'the retrieval index on clustered vectors: build time, recall@100, queries/s on one core; exact or not by size [ROWS] [BUILD THREADS]';

const WIDTH = 64;
const K = 100;
const QUERIES = 1024;
/** Rows of a cluster: the larger the index, the more clusters. */
const CLUSTER_ROWS = 1000;
const NOISE = 0.5;
/** Where the crossover is looked for; each size is built once. */
const SIZES = [5_000, 10_000, 20_000, 50_000, 100_000];

const seconds = (since: number) => (performance.now() - since) / 1000;

export async function run([count = '1000000', buildThreads = '1']: readonly string[]): Promise<void> {
  const large = await largeIndex(Number(count), Number(buildThreads));
  console.log(JSON.stringify(large));
  const bySize: Awaited<ReturnType<typeof compare>>[] = [];
  for (const size of SIZES) {
    const found = await compare(size);
    console.log(JSON.stringify(found));
    bySize.push(found);
  }
  await writeResults('index', {
    vectors: { width: WIDTH, clusterRows: CLUSTER_ROWS, noise: NOISE, lengths: [0.75, 1.25] },
    k: K,
    queries: QUERIES,
    large,
    bySize,
    // The first size from which on the graph answers one query sooner.
    crossover: bySize.find((_, i) =>
      bySize.slice(i).every(({ exact, hnsw }) => hnsw.alone.processor > exact.alone.processor),
    )?.rows,
    options: parseIndexOptions({}),
    environment: environment(),
  });
}

/** Clouds around seeded centres; lengths vary, so that the inner product is not the cosine. */
function clustered(rows: number, total: number, path: string): Vectors {
  const clusters = Math.max(1, Math.round(total / CLUSTER_ROWS));
  const centres = Random.of(1, 'centres');
  const centre = Float32Array.from({ length: clusters * WIDTH }, () => centres.normal());
  const random = Random.of(1, path);
  const data = new Float32Array(rows * WIDTH);
  for (let row = 0; row < rows; row++) {
    const start = random.below(clusters) * WIDTH;
    const length = (0.75 + random.uniform() / 2) / Math.sqrt(WIDTH);
    for (let i = 0; i < WIDTH; i++) data[row * WIDTH + i] = length * (centre[start + i]! + NOISE * random.normal());
  }
  return { data, shape: [rows, WIDTH] };
}

/** Exact search and the graph on the same vectors, in turns, so that a busy machine slows both. */
async function compare(rows: number) {
  const vectors = clustered(rows, rows, 'rows');
  const queries = clustered(QUERIES, rows, 'queries');
  const exact = await buildIndex(vectors, { kind: 'exact', threads: 1 });
  const graph = await timedBuild(vectors, queries, { kind: 'hnsw', threads: 1 });
  const speed = await speeds([exact, graph.index], queries);
  await exact.release();
  await graph.index.release();
  return {
    rows,
    buildSeconds: graph.buildSeconds,
    buildProcessorSeconds: graph.buildProcessorSeconds,
    recall: graph.recall,
    expansion: graph.expansion,
    exact: speed[0]!,
    hnsw: speed[1]!,
  };
}

async function largeIndex(rows: number, buildThreads: number) {
  const vectors = clustered(rows, rows, 'rows');
  const queries = clustered(QUERIES, rows, 'queries');
  const exact = await buildIndex(vectors, { kind: 'exact', threads: 1 });
  const { index, ...built } = await timedBuild(vectors, queries, { kind: 'hnsw', buildThreads, threads: 1 });
  const [exactSpeed, hnswSpeed] = await speeds([exact, index], queries);
  const folder = join(await mkdtemp(join(tmpdir(), 'twotower-index-')), 'index');
  let started = performance.now();
  const manifest: IndexManifest = await index.save(folder);
  const saveSeconds = seconds(started);
  started = performance.now();
  const loaded = await loadIndex(folder, { threads: 1 });
  const loadSeconds = seconds(started);
  const recallLoaded = await measureRecall(loaded, queries, K, await exact.search(queries, K));
  let bytes = 0;
  for (const file of Object.keys(manifest.files)) bytes += (await stat(join(folder, file))).size;
  await rm(join(folder, '..'), { recursive: true });
  return {
    rows,
    buildThreads,
    ...built,
    exact: exactSpeed,
    hnsw: hnswSpeed,
    saveSeconds,
    loadSeconds,
    recallLoaded,
    fileMiB: bytes / 2 ** 20,
    memoryGiB: process.resourceUsage().maxRSS / 2 ** 20,
  };
}

/** What the index measures of itself is measured with the queries that are timed. */
async function timedBuild(vectors: Vectors, queries: Vectors, options: IndexOptions) {
  const started = performance.now();
  const before = processorSeconds();
  let linked = 0;
  let processor = 0;
  let told = 0;
  const index = await buildIndex(vectors, options, {
    queries,
    onProgress: ({ stage, done, total }) => {
      if (stage === 'link') {
        linked = seconds(started);
        processor = processorSeconds() - before;
      }
      if (stage === 'link' && total > 200_000 && done - told >= 100_000) {
        told = done;
        console.log(`${linked.toFixed(0).padStart(5)} s  ${done} of ${total} rows linked`);
      }
    },
  });
  if (!(index instanceof HnswIndex)) throw new Error('an exact index was built');
  const { recall, settings } = index;
  return {
    index,
    buildSeconds: linked,
    buildProcessorSeconds: processor,
    measureSeconds: seconds(started) - linked,
    recall: recall?.value,
    expansion: settings.expansion,
  };
}

/** Queries a second, by the clock and by the processor time of this process: on a busy machine only the latter says much. */
interface Speed {
  clock: number;
  processor: number;
}

/** One query at a time and 64 together, one thread: the best of three rounds in turns. */
async function speeds(indexes: readonly RetrievalIndex[], queries: Vectors) {
  const none = (): Speed => ({ clock: 0, processor: 0 });
  const best = indexes.map(() => ({ alone: none(), together: none() }));
  for (let round = 0; round < 3; round++) {
    for (const [i, index] of indexes.entries()) {
      const asked = index.kind === 'exact' && index.rows > 200_000 ? 64 : QUERIES;
      for (const [mode, size] of [['alone', 1] as const, ['together', 64] as const]) {
        const started = performance.now();
        const before = processorSeconds();
        for (let from = 0; from < asked; from += size) {
          const data = queries.data.subarray(from * WIDTH, (from + size) * WIDTH);
          await index.search({ data, shape: [size, WIDTH] }, K);
        }
        const speed = best[i]![mode];
        speed.clock = Math.max(speed.clock, asked / seconds(started));
        speed.processor = Math.max(speed.processor, asked / (processorSeconds() - before));
      }
    }
  }
  return best;
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
