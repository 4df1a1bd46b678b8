import { expect, test } from 'vitest';
import { Random } from '../../random.js';
import { FlowNetwork } from './min-cut.js';

type Edge = [from: number, to: number, capacity: number];

function cut(nodes: number, edges: readonly Edge[], from: number, to: number): number[] {
  const network = new FlowNetwork(nodes);
  network.connect(network.source, from, Infinity);
  network.connect(to, network.sink, Infinity);
  for (const edge of edges) network.connect(...edge);
  return [...network.sourceSide()].filter((node) => node < nodes).sort();
}

const costOf = (edges: readonly Edge[], side: readonly number[]) =>
  edges.reduce((sum, [from, to, cost]) => sum + (side.includes(from) && !side.includes(to) ? cost : 0), 0);

test('a chain is cut where it is thinnest, the first of equal places', () => {
  expect(
    cut(
      4,
      [
        [0, 1, 5],
        [1, 2, 2],
        [2, 3, 4],
      ],
      0,
      3,
    ),
  ).toEqual([0, 1]);
  expect(
    cut(
      3,
      [
        [0, 1, 2],
        [1, 2, 2],
      ],
      0,
      2,
    ),
  ).toEqual([0]);
});

test('an edge that must not be cut holds its ends together', () => {
  expect(
    cut(
      3,
      [
        [0, 1, 1],
        [1, 2, 7],
        [1, 0, Infinity],
        [0, 1, Infinity],
      ],
      0,
      2,
    ),
  ).toEqual([0, 1]);
});

test('no other cut is cheaper', () => {
  const random = Random.of(1, 'edges');
  for (let round = 0; round < 50; round++) {
    const nodes = 7;
    const edges = Array.from({ length: 16 }, (): Edge => {
      const draw = () => Math.floor(random.uniform() * nodes);
      return [draw(), draw(), Math.floor(random.uniform() * 9)];
    });
    const best = costOf(edges, cut(nodes, edges, 0, 6));
    for (let bits = 0; bits < 1 << (nodes - 2); bits++) {
      const side = [0, ...[1, 2, 3, 4, 5].filter((node) => (bits >> (node - 1)) & 1)];
      expect(costOf(edges, side)).toBeGreaterThanOrEqual(best);
    }
  }
});
