import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildIndex } from './build.js';
import { HnswIndex } from './hnsw.js';
import { loadIndex } from './load.js';
import { GRAPH_FILE, MANIFEST_FILE, VECTORS_FILE } from './manifest.js';
import type { RetrievalIndex } from './retrieval-index.js';
import { plain } from './testing/brute-force.js';
import { clustered } from './testing/clustered.js';

const ROWS = 400;
const WIDTH = 8;
const rows = clustered(ROWS, WIDTH, 'rows');
const queries = clustered(10, WIDTH, 'queries');
const options = { kind: 'hnsw', connectivity: 4, expansion: 40, recall: { at: 10, queries: 20 } } as const;
const vector = (row: number) => rows.data.slice(row * WIDTH, (row + 1) * WIDTH);

let index: RetrievalIndex;
let folder: string;
beforeAll(async () => {
  index = await buildIndex(rows, options);
  // Free nodes and reused ones belong into the file as well.
  for (let row = 0; row < 20; row++) index.remove(row);
  for (let row = 0; row < 10; row++) index.add(row, vector(row + 100));
});
afterAll(() => index.release());
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'twotower-index-')), 'index');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

describe('loadIndex', () => {
  it('opens what save wrote: the same lists, settings and measured recall', async () => {
    const manifest = await index.save(folder);
    expect((await readdir(folder)).sort()).toEqual([GRAPH_FILE, MANIFEST_FILE, VECTORS_FILE]);
    const loaded = await loadIndex(folder);
    expect(plain(await loaded.search(queries, 10))).toEqual(plain(await index.search(queries, 10)));
    const { kind, metric, width, rows, count } = loaded;
    expect({ kind, metric, width, rows, count }).toEqual({
      kind: 'hnsw',
      metric: 'inner-product',
      width: WIDTH,
      rows: ROWS,
      count: ROWS - 10,
    });
    expect(loaded).toBeInstanceOf(HnswIndex);
    const { settings, recall } = loaded as HnswIndex;
    expect(manifest).toMatchObject({ kind: 'hnsw', settings, recall });
    expect(recall).toMatchObject({ at: 10, queries: 20, source: 'rows', target: 0.99, changesSince: 30 });
    await loaded.release();
  });

  it('opens an exact index, and an empty one of either kind', async () => {
    const exact = await buildIndex(rows, { kind: 'exact', metric: 'cosine' });
    await exact.save(folder);
    const loaded = await loadIndex(folder);
    expect(loaded.kind).toBe('exact');
    expect(plain(await loaded.search(queries, 5))).toEqual(plain(await exact.search(queries, 5)));
    for (const kind of ['exact', 'hnsw'] as const) {
      const empty = await buildIndex({ data: new Float32Array(), shape: [0, WIDTH] }, { kind });
      await empty.save(folder);
      const again = await loadIndex(folder);
      expect(plain(await again.search(queries, 5))[0]!.items).toEqual([]);
      again.add(0, vector(3));
      expect(plain(await again.search(queries, 5))[0]!.items).toEqual([0]);
    }
    await exact.release();
    await loaded.release();
  });

  it('takes additions and removals as the index that was saved would have', async () => {
    await index.save(folder);
    const loaded = await loadIndex(folder);
    expect(loaded.remove(50)).toBe(true);
    expect(loaded.remove(15)).toBe(false);
    for (let row = ROWS; row < ROWS + 300; row++)
      loaded.add(
        row,
        vector(row - ROWS).map((value) => 2 * value),
      );
    loaded.add(50, vector(51));
    expect([loaded.rows, loaded.count]).toEqual([ROWS + 300, ROWS + 290]);
    const [found] = await loaded.search({ data: vector(120), shape: [1, WIDTH] }, 1);
    expect(found!.items[0]).toBeGreaterThanOrEqual(ROWS);
    await loaded.save(folder);
    const again = await loadIndex(folder);
    expect(plain(await again.search(queries, 10))).toEqual(plain(await loaded.search(queries, 10)));
    await loaded.release();
    await again.release();
  });

  it.each([VECTORS_FILE, GRAPH_FILE])('refuses a truncated, altered or missing %s', async (name) => {
    await index.save(folder);
    const path = join(folder, name);
    const whole = await readFile(path);
    const altered = Buffer.from(whole);
    altered[whole.length >> 1]! ^= 1;
    await writeFile(path, altered);
    await expect(loadIndex(folder)).rejects.toMatchObject({
      code: 'INDEX_DAMAGED',
      message: expect.stringContaining(`${name}: its SHA-256 is not the one in the manifest`),
    });
    await truncate(path, whole.length - 1);
    await expect(loadIndex(folder)).rejects.toThrow(
      `it has ${whole.length - 1} bytes, the manifest says ${whole.length}`,
    );
    await rm(path);
    await expect(loadIndex(folder)).rejects.toThrow('it cannot be read');
  });

  it('refuses a manifest that is missing, no JSON or not about these files', async () => {
    await expect(loadIndex(folder)).rejects.toMatchObject({ code: 'INDEX_DAMAGED' });
    await index.save(folder);
    const path = join(folder, MANIFEST_FILE);
    const text = await readFile(path, 'utf8');
    for (const [change, reason] of [
      [(m: string) => m.slice(0, -20), 'JSON'],
      [(m: string) => m.replace('"format": 1', '"format": 2'), 'format: '],
      [(m: string) => m.replace('"metric"', '"metrik"'), 'metric: '],
      [(m: string) => m.replace(`"width": ${WIDTH}`, '"width": 9'), 'does not hold vectors of shape [400, 9]'],
      [(m: string) => m.replace('"count": 390', '"count": 391'), 'it holds 390 rows, the manifest says 391'],
      [
        (m: string) => m.replace('"connectivity": 4', '"connectivity": 5'),
        'its nodes have 4 and 8 links, wanted are 5',
      ],
    ] as const) {
      await writeFile(path, change(text));
      await expect(loadIndex(folder)).rejects.toMatchObject({
        code: 'INDEX_DAMAGED',
        message: expect.stringContaining(reason),
      });
    }
  });

  it('refuses a graph that leads outside of itself, whatever its checksum says', async () => {
    await index.save(folder);
    const path = join(folder, GRAPH_FILE);
    const whole = await readFile(path);
    const nodes = whole.readUInt32LE(0);
    const head = 8 + nodes * whole.readUInt32LE(4);
    const graph = head + 64;
    const levels = graph + 40;
    const first = levels + 2 * nodes;
    const flat = [...Array(nodes).keys()].find((node) => whole.readInt16LE(levels + 2 * node) === 0)!;
    const position = [...Array(flat).keys()].reduce(
      (at, node) => at + 46 + 20 * whole.readInt16LE(levels + 2 * node),
      first,
    );
    const crafted: [string, (bytes: Buffer) => void][] = [
      ['its vectors take', (bytes) => bytes.writeUInt32LE(1, 4)],
      ['its header asks for', (bytes) => bytes.writeUInt32LE(0xffffffff, 0)],
      ['no graph of usearch 2', (bytes) => bytes.write('usearcH', head)],
      ['its types are', (bytes) => bytes.writeUInt8(11, head + 14)],
      ['it holds 391 rows', (bytes) => bytes.writeBigUInt64LE(391n, head + 17)],
      ['of them are free', (bytes) => bytes.writeBigUInt64LE(9n, head + 25)],
      ['its vectors have 64 values', (bytes) => bytes.writeBigUInt64LE(64n, head + 33)],
      [`${nodes} vectors and`, (bytes) => bytes.writeBigUInt64LE(1n << 40n, graph)],
      ['its search begins at node', (bytes) => bytes.writeBigUInt64LE(BigInt(nodes), graph + 32)],
      ['not on the highest level', (bytes) => bytes.writeBigUInt64LE(BigInt(flat), graph + 32)],
      ['negative level', (bytes) => bytes.writeInt16LE(-1, levels)],
      ['its nodes end at byte', (bytes) => bytes.writeInt16LE(1, levels + 2 * flat)],
      ['absent or there twice', (bytes) => bytes.writeBigUInt64LE(BigInt(ROWS), position)],
      ['absent or there twice', (bytes) => bytes.writeBigUInt64LE(15n, position)],
      ['rows of the index have no node', (bytes) => bytes.writeBigUInt64LE(0xffffffffffffffffn, position)],
      ['is on two levels', (bytes) => bytes.writeInt16LE(1, position + 8)],
      ['neighbours in 8 places', (bytes) => bytes.writeUInt32LE(9, position + 10)],
      ['where there is none', (bytes) => bytes.writeUInt32LE(nodes, position + 14)],
    ];
    for (const [reason, change] of crafted) {
      const bytes = Buffer.from(whole);
      change(bytes);
      await replaceFile(folder, GRAPH_FILE, bytes);
      await expect(loadIndex(folder), reason).rejects.toMatchObject({
        code: 'INDEX_DAMAGED',
        message: expect.stringContaining(reason),
      });
    }
    await replaceFile(folder, GRAPH_FILE, whole);
    await (await loadIndex(folder)).release();
  });

  it('refuses vectors that are not finite, whatever their checksum says', async () => {
    await index.save(folder);
    const bytes = await readFile(join(folder, VECTORS_FILE));
    bytes.writeFloatLE(Number.NaN, bytes.length - ROWS - 4 * WIDTH);
    await replaceFile(folder, VECTORS_FILE, bytes);
    await expect(loadIndex(folder)).rejects.toThrow(`row ${ROWS - 1} holds NaN`);
  });

  it('leaves the old folder as it was when a save fails', async () => {
    await index.save(folder);
    const broken = await buildIndex(rows, { kind: 'exact' });
    Object.defineProperty(broken, 'table', { value: { metric: 'cosine', width: 1, rows: 2, data: [], present: [] } });
    await expect(broken.save(folder)).rejects.toThrow();
    const loaded = await loadIndex(folder);
    expect(loaded.count).toBe(ROWS - 10);
    await loaded.release();
  });
});

/** Another file under the same name, with a manifest that vouches for it. */
async function replaceFile(folder: string, name: string, bytes: Buffer): Promise<void> {
  await writeFile(join(folder, name), bytes);
  const path = join(folder, MANIFEST_FILE);
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  manifest.files[name] = { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  await writeFile(path, JSON.stringify(manifest));
}
