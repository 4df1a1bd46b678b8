import type { Feature, Feeds, Schema } from '../schema.js';

/** Where the used positions of an id feed's last axis stand: see `schema.ts`. */
interface PaddingRule {
  /** Feed that says how many are used. */
  length: string;
  /** Which end of the axis they stand at. */
  used: 'start' | 'end';
}

/** By name of an id feed, which of its positions hold nothing. Feeds that use all of theirs are not listed. */
export type Padding = ReadonlyMap<string, PaddingRule>;

export function paddingOf({ user, context, item, histories }: Schema): Padding {
  const rules = new Map<string, PaddingRule>();
  const lists = (prefix: string, features: readonly Feature[]) => {
    for (const { name, encoding } of features) {
      if (encoding === 'ids') rules.set(`${prefix}.${name}`, { length: `${prefix}.${name}.length`, used: 'start' });
    }
  };
  lists('user', user);
  lists('context', context);
  lists('item', item);
  for (const { name: history, features } of histories) {
    const prefix = `history.${history}`;
    // The lists of a padded event have no ids: the lengths of lists tell of both.
    lists(prefix, features);
    for (const { name, encoding } of features) {
      if (encoding === 'id') rules.set(`${prefix}.${name}`, { length: `${prefix}.length`, used: 'end' });
    }
  }
  return rules;
}

/** Calls `visit` with every run of unused positions `[from, to)` of an id feed, ascending. */
export function eachPadded(
  padding: Padding,
  ids: string,
  feeds: Feeds,
  visit: (from: number, to: number) => void,
): void {
  const rule = padding.get(ids);
  const lengths = rule && feeds[rule.length]?.data;
  if (rule === undefined || lengths === undefined) return;
  const size = feeds[ids]!.shape.at(-1)!;
  for (let row = 0, start = 0; row < lengths.length; row++, start += size) {
    const unused = size - lengths[row]!;
    if (unused === 0) continue;
    const from = rule.used === 'start' ? start + lengths[row]! : start;
    visit(from, from + unused);
  }
}
