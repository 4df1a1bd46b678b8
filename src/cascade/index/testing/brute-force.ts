import type { RankedItems } from '../../../evaluation/topk.js';
import type { IndexMetric } from '../metric.js';
import type { Vectors } from '../retrieval-index.js';

/** Scores every allowed row for every query, vector by vector, and sorts them all. Shapes [rows, width] and [Q, K, width]. */
export function bruteForce(
  rows: Vectors,
  queries: Vectors,
  k: number,
  metric: IndexMetric,
  isAllowed: (row: number, query: number) => boolean,
): { items: number[]; scores: number[] }[] {
  const [count, width] = rows.shape as [number, number];
  const [asked, vectors] = queries.shape as [number, number];
  const vector = ({ data }: Vectors, at: number) => [...data.subarray(at * width, (at + 1) * width)];
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const compare = (a: number[], b: number[]) => {
    if (metric === 'inner-product') return dot(a, b);
    const lengths = Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b));
    return lengths === 0 ? 0 : dot(a, b) / lengths;
  };
  return Array.from({ length: asked }, (_, query) => {
    const scored = Array.from({ length: count }, (_, row) => {
      const scores = Array.from({ length: vectors }, (_, v) =>
        compare(vector(rows, row), vector(queries, query * vectors + v)),
      );
      return { row, score: Math.max(...scores) };
    }).filter(({ row }) => isAllowed(row, query));
    scored.sort((a, b) => b.score - a.score || a.row - b.row);
    const best = scored.slice(0, k);
    return { items: best.map(({ row }) => row), scores: best.map(({ score }) => score) };
  });
}

export const plain = (found: readonly RankedItems[]) =>
  found.map(({ items, scores }) => ({ items: [...items], scores: [...scores] }));
