import type { Feature, Feed, Feeds, Schema } from '../schema.js';

/** Writes valid ids and numbers into every position of lists and histories that is not used: see `schema.ts`. */
export function fillPadding(feeds: Feeds, schema: Schema): Feeds {
  const result: Feeds = Object.fromEntries(
    Object.entries(feeds).map(([name, { data, shape }]) => [name, { data: data.slice(), shape }]),
  );
  for (const feature of [...schema.user, ...schema.context, ...schema.item]) {
    fillList(result, `${feature.owner}.${feature.name}`, feature);
  }
  for (const { name: history, maxLength, features } of schema.histories) {
    const used = result[`history.${history}.length`];
    if (used === undefined) continue;
    const isPadded = (position: number) =>
      position % maxLength < maxLength - used.data[Math.floor(position / maxLength)]!;
    for (const feature of features) {
      const name = `history.${history}.${feature.name}`;
      fillList(result, name, feature);
      fill(
        result[name]!,
        isPadded,
        used.data.length * maxLength,
        feature.encoding === 'numbers' ? 9 : feature.size - 1,
      );
      const lengths = result[`${name}.length`];
      if (lengths !== undefined) fill(lengths, isPadded, lengths.data.length, 1);
    }
    fill(result[`history.${history}.lag`]!, isPadded, used.data.length * maxLength, 12345);
  }
  return result;
}

/** The unused end of every list of ids. */
function fillList(feeds: Feeds, name: string, feature: Feature): void {
  const [list, lengths] = [feeds[name], feeds[`${name}.length`]];
  if (feature.encoding !== 'ids' || list === undefined || lengths === undefined) return;
  list.data.forEach((_, at) => {
    const unused = at % feature.maxLength >= lengths.data[Math.floor(at / feature.maxLength)]!;
    if (unused) list.data[at] = feature.size - 1;
  });
}

/** Every value of the positions chosen, out of `positions` of them. */
function fill({ data }: Feed, isChosen: (position: number) => boolean, positions: number, value: number): void {
  const width = data.length / positions;
  data.forEach((_, at) => {
    if (isChosen(Math.floor(at / width))) data[at] = value;
  });
}
