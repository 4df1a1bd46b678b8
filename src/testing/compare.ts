import type { Feeds } from '../schema.js';

/** Every request with every item, request by request. */
export function everyPair(requests: number, items: number): { request: Int32Array; item: Int32Array } {
  const request = Int32Array.from({ length: requests * items }, (_, p) => Math.floor(p / items));
  return { request, item: Int32Array.from(request, (_, p) => p % items) };
}

/** Rows of every feed in another order, or some of them, or one of them several times. */
export function takeRows(state: Feeds, order: readonly number[]): Feeds {
  return Object.fromEntries(
    Object.entries(state).map(([name, { data, shape }]) => {
      const size = data.length / shape[0]!;
      const Type = data.constructor as new (length: number) => typeof data;
      const taken = new Type(order.length * size);
      order.forEach((row, i) => {
        taken.set(data.subarray(row * size, (row + 1) * size), i * size);
      });
      return [name, { data: taken, shape: [order.length, ...shape.slice(1)] }];
    }),
  );
}

/** The first axis of feeds or states. */
export function rowsOf(feeds: Feeds): number {
  return Object.values(feeds)[0]!.shape[0]!;
}

/** How far two lists of numbers are apart at most, relative to numbers above 1. NaN is far from everything. */
export function distance(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (found.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < wanted.length; i++) {
    const apart = Math.abs(found[i]! - wanted[i]!) / Math.max(1, Math.abs(wanted[i]!));
    if (!(apart <= most)) most = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
  }
  return most;
}

/** The same of states, tensor by tensor. */
export function stateDistance(found: Feeds, wanted: Feeds): number {
  const names = Object.keys(wanted);
  if (names.join() !== Object.keys(found).join()) return Number.POSITIVE_INFINITY;
  return Math.max(...names.map((name) => distance(found[name]!.data, wanted[name]!.data)));
}
