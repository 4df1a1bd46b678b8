import { describe, expect, it } from 'vitest';
import { inspectDataset, inspectionLines } from './inspect.js';
import { SHOP_FILES, shop } from './testing/shop.js';

describe('inspectDataset', () => {
  it('tells what can be counted by hand', async () => {
    const inspection = await inspectDataset(shop());
    expect(inspection.counts).toEqual({ events: 10, users: 5, items: 5, dropped: 0, badRows: 0 });
    expect(inspection.time).toEqual({ first: 10, last: 100 });
    expect(inspection.feedback).toEqual({ bought: { train: 5 / 7, validation: 0, test: 0.5 } });
    expect(inspection.stages).toEqual({ shown: 4, bought: 6 });
    expect(inspection.splits.train).toEqual({ events: 7, users: 3, items: 3, first: 10, last: 70 });
    // The test events: user 3 buys e, user 4 looks at d; neither e nor d nor user 4 is known.
    const unknown = Object.fromEntries(inspection.fields.map(({ name, unknownInTest }) => [name, unknownInTest]));
    expect(unknown).toEqual({ user: 0.5, city: 0.5, age: 0.5, product: 1, tags: 0.5, weight: undefined, place: 0 });
    // Lengths before each event, in time order: 0 0 0 1 0 2 2 1 1 0.
    expect(inspection.histories).toEqual([{ name: 'bought', events: 6, median: 1, p90: 2, empty: 0.5 }]);
  });

  it('finds what is wrong', async () => {
    const again = SHOP_FILES['events.csv'].replace('2,b,20', '1,a,10');
    const { problems } = await inspectDataset(shop({ 'events.csv': again }));
    expect(problems).toEqual([
      '1 events are earlier than the one before them in the file; they were sorted',
      '1 events repeat another: same user, item and time',
      '50.0 % of the test events have a user that training never saw',
      '100.0 % of the test events have an item that training never saw',
      '1 users of the events are not in the users file: all is unknown of them but their key',
      '1 items of the events are not in the items file: all is unknown of them but their key',
      'the label bought is 0 in every event of the validation part',
      'the first event is of 1970-01-01: is time.unit right?',
    ]);
  });

  it('finds labels that no model can be trained on', async () => {
    const graded = SHOP_FILES['events.csv'].replace('1,a,10,1', '1,a,10,5');
    expect(graded).not.toBe(SHOP_FILES['events.csv']);
    const { problems } = await inspectDataset(shop({ 'events.csv': graded }));
    expect(problems).toContain('1 events have a label bought that is neither 0 nor 1: a model cannot be trained on it');
  });

  it('prints what a person reads', async () => {
    const lines = inspectionLines(await inspectDataset(shop()));
    expect(lines.find((line) => line.startsWith('  train'))).toMatch(
      /7 events {2}3 users {2}3 items {2}1970-01-01 00:00 to 1970-01-01 00:01/,
    );
    expect(lines.find((line) => /^ {2}shown/.test(line))).toBe('  shown                        4');
    expect(lines.find((line) => line.includes('place'))).toMatch(/context +place +id +3 +0\.0 %/);
    expect(lines.every((line) => !line.includes('undefined') && !line.includes('NaN'))).toBe(true);
  });
});
