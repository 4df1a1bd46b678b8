import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Random } from '../../random.js';
import { temporaryFolder } from '../../testing/folder.js';
import { buildIndex, parseIndexOptions } from './build.js';
import { HnswIndex } from './hnsw.js';
import { loadIndex } from './load.js';
import { clustered } from './testing/clustered.js';

const rows = clustered(2000, 8, 'rows');
const queries = clustered(30, 8, 'queries');

afterEach(() => {
  vi.doUnmock('usearch');
  vi.resetModules();
});

const LIBRARY = { MetricKind: { IP: 'ip' }, ScalarKind: { BF16: 'bf16' } };

/**
 * A library whose graph of lifted rows gives the best rows to those who ask for `far` of them, and whose graph of rows as they are
 * reaches only the first few.
 */
const fakeIndex = (reach: number, far: number) =>
  class {
    private readonly rows = new Map<bigint, Float32Array>();
    private isLifted = false;
    add(keys: BigUint64Array, vectors: Float32Array) {
      keys.forEach((key, i) => {
        const vector = vectors.slice(i * 9, i * 9 + 9);
        this.rows.set(key, vector);
        this.isLifted ||= vector[8] !== 0;
      });
    }
    search(asked: Float32Array, limit: number) {
      const count = asked.length / 9;
      const given = Math.min(limit, this.isLifted ? limit : reach);
      const keys = new BigUint64Array(count * limit);
      for (let query = 0; query < count; query++) {
        const score = (vector: Float32Array) => vector.reduce((sum, x, i) => sum + x * asked[query * 9 + i]!, 0);
        const all = [...this.rows].map(([key, vector]) => ({ key, score: score(vector) }));
        const isGood = this.isLifted && limit >= far;
        if (isGood) all.sort((a, b) => b.score - a.score);
        for (let i = 0; i < given; i++) keys[query * limit + i] = all[i]!.key;
      }
      return { keys, counts: new BigUint64Array(count).fill(BigInt(given)) };
    }
  };

describe('buildIndex', () => {
  it('is exact below the size from which the graph is sooner, and approximate from there on', async () => {
    expect((await buildIndex(rows)).kind).toBe('exact');
    expect((await buildIndex(rows, { exactBelow: 2001 })).kind).toBe('exact');
    expect((await buildIndex(rows, { exactBelow: 2000, recall: { queries: 0 } })).kind).toBe('hnsw');
    const present = new Uint8Array(2000).fill(1, 1);
    const index = await buildIndex(rows, { exactBelow: 2000 }, { present });
    expect([index.kind, index.rows, index.count]).toEqual(['exact', 2000, 1999]);
  });

  it('gives a graph up that must look at so many rows that all are compared as soon', async () => {
    const recall = { at: 1, queries: 64 };
    const options = { exactBelow: 0, expansion: 1 };
    expect((await buildIndex(rows, { ...options, recall: { ...recall, target: 0 } }, { queries })).kind).toBe('hnsw');
    expect((await buildIndex(rows, { ...options, recall: { ...recall, target: 1 } }, { queries })).kind).toBe('exact');
    const named = await buildIndex(rows, { ...options, kind: 'hnsw', recall: { ...recall, target: 1 } }, { queries });
    expect(named.kind).toBe('hnsw');
  });

  it('raises the expansion until the measured recall is what was asked for', async () => {
    const options = { kind: 'hnsw', connectivity: 8, expansionAdd: 16, expansion: 10 } as const;
    const short = await buildIndex(rows, { ...options, recall: { target: 0, at: 10 } }, { queries });
    const raised = await buildIndex(rows, { ...options, recall: { target: 0.99, at: 10 } }, { queries });
    expect(short).toBeInstanceOf(HnswIndex);
    expect((short as HnswIndex).settings.expansion).toBe(10);
    expect((raised as HnswIndex).settings.expansion).toBeGreaterThan(10);
    const { value } = (short as HnswIndex).recall!;
    expect(value).toBeLessThan(0.97);
    expect((raised as HnswIndex).recall).toMatchObject({ at: 10, queries: 30, source: 'given', target: 0.99 });
    expect((raised as HnswIndex).recall!.value).toBeGreaterThanOrEqual(0.99);
  });

  it('links rows as they are where few long ones are what is asked for', async () => {
    // Lengths differ by a factor of a hundred and more, and queries lean where the rows do.
    const random = Random.of(1, 'long');
    const data = new Float32Array(2000 * 8);
    for (let row = 0; row < 2000; row++) {
      const length = Math.exp(1.5 * random.normal());
      for (let i = 0; i < 8; i++) data[row * 8 + i] = length * (random.normal() + 1);
    }
    const asked = { data: Float32Array.from({ length: 30 * 8 }, () => 1 + random.normal()), shape: [30, 8] };
    const options = { kind: 'hnsw', connectivity: 8, expansionAdd: 16, expansion: 10, recall: { at: 10 } } as const;
    const index = (await buildIndex({ data, shape: [2000, 8] }, options, { queries: asked })) as HnswIndex;
    expect(index.recall!.value).toBeGreaterThanOrEqual(0.99);
    const folder = join(await temporaryFolder(), 'index');
    const manifest = await index.save(folder);
    expect(manifest).toMatchObject({ length: 0 });
    const loaded = await loadIndex(folder);
    expect(await loaded.search(asked, 10)).toEqual(await index.search(asked, 10));
  });

  it.each([
    ['reaches too few rows', 5],
    ['reaches enough rows, and not the best', 15],
  ])('does not take a graph for good because exact search answers for it: it %s', async (_, reach) => {
    const far = 60;
    vi.resetModules();
    vi.doMock('usearch', () => ({ ...LIBRARY, Index: fakeIndex(reach, far) }));
    const { buildIndex } = await import('./build.js');
    // Row 0 is absent, as in every catalogue.
    const present = new Uint8Array(2000).fill(1, 1);
    const options = { kind: 'hnsw', expansion: 10, recall: { at: 10 } } as const;
    const index = (await buildIndex(rows, options, { queries, present })) as HnswIndex;
    expect(index.settings.expansion).toBeGreaterThanOrEqual(far);
    expect(index.recall!.value).toBe(1);
    expect(index.comparedWithAll).toBe(0);
  });

  it('looks at no fewer rows than it is to return', async () => {
    const options = { kind: 'hnsw', expansion: 10, recall: { target: 0, at: 100, queries: 5 } } as const;
    const index = (await buildIndex(rows, options)) as HnswIndex;
    expect(index.settings.expansion).toBe(100);
    expect((await index.search(queries, 150))[0]!.items).toHaveLength(150);
  });

  it('says what it is doing', async () => {
    const heard: string[] = [];
    await buildIndex(
      rows,
      { kind: 'hnsw', recall: { at: 10, queries: 5, target: 0 } },
      { onProgress: ({ stage, done, total }) => heard.push(`${stage} ${done}/${total}`) },
    );
    expect(heard).toEqual(['link 2000/2000', 'measure 1/1']);
  });

  it('names an unknown option', () => {
    expect(() => parseIndexOptions({ conectivity: 8 })).toThrow('did you mean "connectivity"?');
    expect(() => parseIndexOptions({ metric: 'dot' })).toThrow('metric');
  });

  it('falls back to exact search where the library cannot be loaded, unless it was asked for', async () => {
    vi.resetModules();
    vi.doMock('usearch', () => {
      throw new Error('no binary for this platform');
    });
    const { buildIndex } = await import('./build.js');
    expect((await buildIndex(rows, { exactBelow: 0 })).kind).toBe('exact');
    await expect(buildIndex(rows, { kind: 'hnsw' })).rejects.toMatchObject({ code: 'INDEX_ENGINE' });
  });
});
