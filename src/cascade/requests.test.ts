import { expect, test } from 'vitest';
import { generateDataset } from '../data/generate.js';
import { drawRequests, requestsOf, selectRequests } from './requests.js';

const dataset = generateDataset({ events: 900, users: 12, items: 20, requests: false, context: false });
const { events, splits, label } = dataset;
const labels = events.feedback.get(label)!;

test("a user's exposures within the window are one request, with what was liked in them", () => {
  const window = 6 * 3600;
  const { event, relevant } = requestsOf(dataset, splits.test, window);
  // By hand: go through the exposures of each user and begin anew when the first is too long ago.
  const expected = new Map<number, Set<number>>();
  const first = new Map<number, number>();
  for (const row of splits.test) {
    const user = events.user[row]!;
    const open = first.get(user);
    if (open === undefined || events.time[row]! - events.time[open]! > window) {
      first.set(user, row);
      expected.set(row, new Set());
    }
    if (labels[row]! > 0) expected.get(first.get(user)!)!.add(events.item[row]!);
  }
  expect([...event]).toEqual([...expected.keys()]);
  expect(relevant.map((items) => new Set(items))).toEqual([...expected.values()]);
  expect(event.length).toBeLessThan(splits.test.length);
  expect(requestsOf(dataset, splits.test, 0).event.length).toBeGreaterThan(event.length);
});

test('requests are chosen and drawn in their order, the same for the same seed', () => {
  const all = requestsOf(dataset, splits.test);
  const even = selectRequests(all, (q) => q % 2 === 0);
  expect([...even.event]).toEqual([...all.event].filter((_, q) => q % 2 === 0));
  const drawn = drawRequests(all, 10, 1);
  expect(drawn.event).toHaveLength(10);
  expect([...drawn.event]).toEqual([...drawn.event].sort((a, b) => a - b));
  expect(drawRequests(all, 10, 1)).toEqual(drawn);
  expect(drawRequests(all, 10, 2).event).not.toEqual(drawn.event);
  for (const [i, row] of drawn.event.entries()) expect(drawn.relevant[i]).toEqual(all.relevant[all.event.indexOf(row)]);
  expect(drawRequests(all, 0, 1)).toBe(all);
});
