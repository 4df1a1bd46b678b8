import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itemFeeds } from '../src/data/batches.js';
import { loadDataset } from '../src/data/load.js';
import { writeFileAtomic } from '../src/files.js';
import { packagePath } from '../src/package-root.js';
import { openRun } from '../src/runs/open.js';
import { principalComponents } from './principal-components.js';
import { option, protocolConfig, trainSeed } from './protocol.js';

export const name = 'fit-queries';
export const description =
  "FIT's items in the plane, coloured by their meta query, as src/models/fit/queries.svg: fit-queries [--run FOLDER]";

const SIZE = 640;
const MARGIN = 20;
const LEGEND = 150;
const GREY = '#d8d8d8';
/** Queries with a colour of their own, the most used ones; more could not be told apart. */
const NAMED = 8;

export async function run(args: readonly string[]): Promise<void> {
  const dataset = await loadDataset('kuairand-pure');
  const given = option(args, '--run', '');
  const scratch = given === '' ? await mkdtemp(join(tmpdir(), 'twotower-fit-')) : undefined;
  const folder = scratch === undefined ? given : join(scratch, 'run');
  if (scratch !== undefined) await trainSeed(protocolConfig('fit', 1), dataset, folder);

  const opened = await openRun(folder);
  const items = Int32Array.from({ length: dataset.items.count - 1 }, (_, i) => i + 1);
  const state = await opened.inference.items(itemFeeds(dataset, items));
  await opened.release();
  if (scratch !== undefined) await rm(scratch, { recursive: true });

  const heads = state['item.heads']!.data as Float32Array;
  const queries = state['item.query']!.data as Int32Array;
  const [x, y] = principalComponents(heads, heads.length / items.length, 2) as [Float64Array, Float64Array];
  const file = packagePath('src', 'models', 'fit', 'queries.svg');
  await writeFileAtomic(file, picture(x, y, queries));
  console.log(`${new Set(queries).size} of ${opened.config.model.queries} queries in use; written to ${file}`);
}

function picture(x: Float64Array, y: Float64Array, queries: Int32Array): string {
  const counts = new Map<number, number>();
  for (const query of queries) counts.set(query, (counts.get(query) ?? 0) + 1);
  const byUse = [...counts].sort(([, a], [, b]) => b - a);
  const named = byUse.slice(0, NAMED);
  const others = new Set(byUse.slice(NAMED).map(([query]) => query));
  const [across, down] = [scaled(x), scaled(y)];
  const dots = (shown: (query: number) => boolean, stroke: string) => {
    const path = Array.from(queries, (query, i) => (shown(query) ? `M${across[i]} ${down[i]}h0` : ''));
    return `<path stroke="${stroke}" d="${path.join('')}"/>`;
  };
  const entry = (place: number, fill: string, text: string) => {
    const at = MARGIN + 12 + 26 * place;
    return `<circle cx="${SIZE + 14}" cy="${at - 5}" r="6" fill="${fill}"/><text x="${SIZE + 28}" y="${at}">${text}</text>`;
  };
  const rest = byUse.slice(NAMED).reduce((total, [, count]) => total + count, 0);
  const groups = [
    dots((query) => others.has(query), GREY),
    ...named.map(([query], place) => dots((one) => one === query, colour(place))),
  ];
  const legend = [
    ...named.map(([query, count], place) => entry(place, colour(place), `query ${query}: ${count}`)),
    entry(named.length, GREY, `${others.size} others: ${rest}`),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE + LEGEND} ${SIZE}" font-family="sans-serif" font-size="14">`,
    '<title>Items in the plane, coloured by their meta query</title>',
    `<rect width="${SIZE + LEGEND}" height="${SIZE}" fill="white"/>`,
    `<g fill="none" stroke-width="4" stroke-linecap="round" stroke-opacity="0.7">`,
    ...groups,
    '</g>',
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}

/** Into the square, whole pixels; the outermost two thousandths of the values lie on its edge. */
function scaled(values: Float64Array): Int32Array {
  const sorted = values.toSorted();
  const [low, high] = [0.001, 0.999].map((share) => sorted[Math.floor(share * (sorted.length - 1))]!) as [
    number,
    number,
  ];
  return Int32Array.from(values, (value) => {
    const share = Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
    return Math.round(MARGIN + share * (SIZE - 2 * MARGIN));
  });
}

function colour(place: number): string {
  return `hsl(${Math.round((place * 360) / NAMED)} 80% ${place % 2 === 0 ? 38 : 52}%)`;
}
