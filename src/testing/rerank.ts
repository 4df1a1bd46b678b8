import type { Feeds } from '../schema.js';
import { takeRows } from './compare.js';
import type { ToyModel } from './toy-model.js';

/** Lists to re-rank: each request with the same items and their scores. */
export interface RerankFeeds {
  feeds: Feeds;
  /** The same lists with their candidates in another order. */
  inOrder(order: readonly number[]): RerankFeeds;
  /** The same lists, of which only the first `count` candidates are there. */
  masked(count: number): RerankFeeds;
}

export async function rerankFeeds(model: ToyModel, requests: number, items: number): Promise<RerankFeeds> {
  const { inference } = model;
  const users = await inference.users(model.requests(requests));
  const states = await inference.items(model.items(items));
  const scores: number[] = [];
  for (let b = 0; b < requests; b++) scores.push(...(await inference.score(takeRows(users, [b]), states)));
  const feeds: Feeds = {};
  for (const [name, { data, shape }] of Object.entries(users)) {
    feeds[name] = { data, shape: [requests, 1, ...shape.slice(1)] };
  }
  for (const [name, state] of Object.entries(states)) {
    const every = Array.from({ length: requests * items }, (_, p) => p % items);
    feeds[name] = { data: takeRows({ state }, every).state!.data, shape: [requests, items, ...state.shape.slice(1)] };
  }
  feeds.scores = { data: Float32Array.from(scores), shape: [requests, items] };
  feeds.mask = { data: new Uint8Array(requests * items).fill(1), shape: [requests, items] };
  return variants(feeds, requests, items);
}

/** Logits of every list. */
export async function rerankLogits(model: ToyModel, { feeds }: RerankFeeds): Promise<number[][]> {
  const run = await model.exported('rerank');
  const { logit } = await run(feeds);
  const [requests, items] = logit!.shape as [number, number];
  return Array.from({ length: requests }, (_, b) => Array.from(logit!.data.subarray(b * items, (b + 1) * items)));
}

function variants(feeds: Feeds, requests: number, items: number): RerankFeeds {
  return {
    feeds,
    inOrder(order) {
      const places = Array.from({ length: requests * items }, (_, p) => p - (p % items) + order[p % items]!);
      const moved = Object.entries(feeds).map(([name, feed]) => {
        const { data, shape } = feed;
        if (name.startsWith('user.')) return [name, feed];
        const flat = takeRows({ flat: { data, shape: [requests * items, ...shape.slice(2)] } }, places).flat!;
        return [name, { data: flat.data, shape }];
      });
      return variants(Object.fromEntries(moved), requests, items);
    },
    masked(count) {
      const data = Uint8Array.from(feeds.mask!.data, (_, p) => (p % items < count ? 1 : 0));
      return variants({ ...feeds, mask: { data, shape: feeds.mask!.shape } }, requests, items);
    },
  };
}
