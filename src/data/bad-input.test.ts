import { describe, expect, it } from 'vitest';
import { loadDataset, loadWithReport } from './load.js';
import { SHOP_FILES, shop } from './testing/shop.js';

const EVENTS = SHOP_FILES['events.csv'];
const NOW = { now: 1e6 };

/** The error of a load with one file or the description changed. */
async function refusal(files: Record<string, string | Uint8Array>, edit?: (text: string) => string) {
  try {
    await loadDataset(shop(files, edit), NOW);
  } catch (error) {
    return error as Error & { code: string; remedy?: string };
  }
  throw new Error('it was loaded');
}

describe('bad input gives one error that names the place', () => {
  const cases: [string, string, RegExp, Record<string, string | Uint8Array>, ((text: string) => string)?][] = [
    [
      'a missing file',
      'DATA_SOURCE',
      /nothing\.csv: there is no such file/,
      {},
      (text) => text.replace('events.csv', 'nothing.csv'),
    ],
    [
      'an unknown format',
      'DATA_SOURCE',
      /events\.xls: cannot tell the format/,
      { 'events.xls': '' },
      (text) => text.replace('events.csv', 'events.xls'),
    ],
    ['an empty file', 'DATA_SOURCE', /events\.csv: the file is empty/, { 'events.csv': '' }],
    [
      'a file of another format',
      'DATA_SOURCE',
      /events\.parquet: .*Parquet/i,
      { 'events.parquet': EVENTS },
      (text) => text.replace('events.csv', 'events.parquet'),
    ],
    [
      'a missing column',
      'DATA_COLUMN',
      /events\.csv: there is no column "boughts", did you mean "bought"\?/,
      {},
      (text) => text.replaceAll('bought', 'boughts'),
    ],
    [
      'a column named twice',
      'DATA_COLUMN',
      /two columns are named "price"/,
      { 'events.csv': EVENTS.replace('place', 'price') },
    ],
    [
      'a list where one value belongs',
      'DATA_COLUMN',
      /products\.jsonl: column "tags" is of type VARCHAR\[\]/,
      {},
      (text) => text.replace('tags: multi-categorical', 'tags: categorical'),
    ],
    [
      'a wrong type',
      'DATA_VALUE',
      /events\.csv, row 4 \(line 5\), column "bought": "yes" is not a number/,
      { 'events.csv': EVENTS.replace('3,a,25,1', '3,a,25,yes') },
    ],
    [
      'missing feedback',
      'DATA_VALUE',
      /row 1 \(line 2\), column "bought": "" is empty/,
      { 'events.csv': EVENTS.replace('1,a,10,1', '1,a,10,') },
    ],
    [
      'a ragged row, too short',
      'DATA_VALUE',
      /events\.csv, row 2 \(line 3\): 5 values where 6 columns are named/,
      { 'events.csv': EVENTS.replace('2,b,20,0,7,work', '2,b,20,0,7') },
    ],
    [
      'a ragged row, too long',
      'DATA_VALUE',
      /row 2 \(line 3\): 7 values where 6 columns are named/,
      { 'events.csv': EVENTS.replace('7,work', '7,8,work') },
    ],
    [
      'a quote that never ends',
      'DATA_VALUE',
      /line 11\).*quote/i,
      { 'events.csv': EVENTS.replace('4,d,100,0,4,home', '4,d,100,0,4,"home') },
    ],
    [
      'malformed JSON',
      'DATA_VALUE',
      /products\.jsonl, row 2 \(line 2\): malformed JSON/,
      { 'products.jsonl': SHOP_FILES['products.jsonl'].replace('"Bread", "weight": 2}', '"Bread", "weight": ') },
    ],
    [
      'malformed JSON in the events, whose keys no table tells',
      'DATA_VALUE',
      /events\.jsonl, row 2 \(line 2\): malformed JSON/,
      { 'events.jsonl': '{"user": "a", "product": "p", "at": 1, "bought": 1, "place": "x", "id": "a"}\n{"user":\n' },
      (text) =>
        text
          .replace('events.csv', 'events.jsonl')
          .replace(/ {2}users: .*\n {2}items: .*\n/, '')
          .replace(', city: categorical, age: {kind: numeric, buckets: 2}', '')
          .replace(/ {4}tags: .*\n {4}weight: .*\n/, '')
          .replace('[product, tags]', '[product]'),
    ],
    [
      'a file that is not compressed as its name says',
      'DATA_SOURCE',
      /events\.csv\.gz: it is not compressed by gzip, or damaged/,
      { 'events.csv.gz': EVENTS },
      (text) => text.replace('events.csv', 'events.csv.gz'),
    ],
    [
      'UTF-16',
      'DATA_SOURCE',
      /events\.csv: the text is UTF-16\n {2}Save it as UTF-8/,
      { 'events.csv': Buffer.from(`\ufeff${EVENTS}`, 'utf16le') },
    ],
    [
      'another delimiter',
      'DATA_COLUMN',
      /there is no column "user".*\n {2}Set `delimiter` of the table: \{ path: …, delimiter: ";" \}/,
      { 'events.csv': EVENTS.replaceAll(',', ';') },
    ],
    [
      'an id of another type',
      'DATA_KEY',
      /events\.csv, row 5 \(line 6\), column "user": "two" is text, where the keys of users\.csv are whole numbers/,
      { 'events.csv': EVENTS.replace('2,a,50', 'two,a,50') },
    ],
    [
      'a numeric id among texts',
      'DATA_KEY',
      /column "product": "17" is a whole number, where the keys of products\.jsonl are text/,
      { 'events.csv': EVENTS.replace('2,a,50', '2,17,50') },
    ],
    [
      'a missing id',
      'DATA_KEY',
      /events\.csv, row 5 \(line 6\), column "user": "" is empty/,
      { 'events.csv': EVENTS.replace('2,a,50', ',a,50') },
    ],
    [
      'a duplicate key',
      'DATA_KEY',
      /users\.csv, row 4 \(line 5\), column "id": "2" is the key of an earlier row too/,
      { 'users.csv': SHOP_FILES['users.csv'].replace('5,Oslo', '2,Oslo') },
    ],
    [
      'a time that is none',
      'DATA_VALUE',
      /row 1 \(line 2\), column "at": "noon" is not a time/,
      { 'events.csv': EVENTS.replace('1,a,10', '1,a,noon') },
    ],
    [
      'a time in the future',
      'DATA_VALUE',
      /row 10 \(line 11\), column "at": "2000000" lies in the future/,
      { 'events.csv': EVENTS.replace('4,d,100', '4,d,2000000') },
    ],
    [
      'times out of order where order is required',
      'DATA_VALUE',
      /events\.csv, row 4 \(line 5\), column "at": the time 25 is before 30/,
      {},
      (text) => text.replace('{column: at}', '{column: at, order: required}'),
    ],
    [
      'NaN in a number',
      'DATA_VALUE',
      /users\.csv, row 1 \(line 2\), column "age": "NaN" is not a finite number/,
      { 'users.csv': SHOP_FILES['users.csv'].replace('Rome,30', 'Rome,NaN') },
    ],
    [
      'infinity in a number',
      'DATA_VALUE',
      /products\.jsonl, row 2 \(line 2\), column "weight": "1e999" is not a finite number/,
      { 'products.jsonl': SHOP_FILES['products.jsonl'].replace('"weight": 2}', '"weight": "1e999"}') },
    ],
    [
      'an empty split',
      'DATA_SPLIT',
      /shop\.yaml: split: the validation part is empty: .*the events run from 1970-01-01T00:00:10/,
      {},
      (text) => text.replace('validationUntil: 90', 'validationUntil: 80'),
    ],
    [
      'a training part of nothing',
      'DATA_SPLIT',
      /the train part is empty/,
      {},
      (text) => text.replace('trainUntil: 80', 'trainUntil: 1'),
    ],
    ['no events at all', 'DATA_SPLIT', /there are no events/, { 'events.csv': 'user,product,at,bought,price,place\n' }],
    [
      'vocabularies that disagree',
      'CONFIG_INVALID',
      /vocabulary "words" has minCount 1 in one field and 2 in "place"/,
      {},
      (text) =>
        text
          .replace('minCount: 2', 'minCount: 2, vocabulary: words')
          .replace('city: categorical', 'city: {kind: categorical, vocabulary: words}'),
    ],
  ];

  it.each(cases)('%s', async (_, code, message, files, edit) => {
    const error = await refusal(files, edit);
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
    expect(error.remedy).toBeTruthy();
  });

  it('another encoding', async () => {
    const latin = Buffer.from(EVENTS.replace('home', 'caf\u00e9'), 'latin1');
    await expect(loadDataset(shop({ 'events.csv': latin }), NOW)).rejects.toThrow(
      /events\.csv, line 2: the text is not utf-8\n.*encoding/,
    );
    const { events } = await loadDataset(
      shop({ 'events.csv': latin }, (text) => text.replace('events.csv', 'events.csv, encoding: latin-1')),
      NOW,
    );
    expect(events.count).toBe(10);
  });
});

describe('maxBadRows', () => {
  const broken = EVENTS.replace('2,b,20,0,7,work', '2,b,20')
    .replace('3,a,25,1', '3,a,25,yes')
    .replace('1,c,60', '1,c,never');

  it('skips and counts bad rows of every sort', async () => {
    const { dataset, report } = await loadWithReport(shop({ 'events.csv': broken }), { ...NOW, maxBadRows: 3 });
    expect(report.badRows).toBe(3);
    expect(dataset.skippedRows).toBe(3);
    expect([...dataset.events.time]).toEqual([10, 30, 50, 70, 80, 90, 100]);
    expect(dataset.encoders.vocabularies['user.user']!.counts).toEqual([0, 3, 1]);
  });

  it('keeps the line numbers of the file behind a skipped line', async () => {
    const { report } = await loadWithReport(shop({ 'events.csv': broken }), { ...NOW, maxBadRows: 3 });
    expect(report.badRowExamples[1]).toMatch(/row 4 \(line 5\), column "bought": "yes"/);
  });

  it('counts lines behind a skipped one for duplicate keys too', async () => {
    const users = SHOP_FILES['users.csv'].replace('2,Oslo,', '2,Oslo,,8,9').replace('5,Oslo', '3,Oslo');
    const { report } = await loadWithReport(shop({ 'users.csv': users }), { ...NOW, maxBadRows: 2 });
    expect(report.badRowExamples).toEqual([
      expect.stringMatching(/row 2 \(line 3\): 5 values/),
      expect.stringMatching(/row 4 \(line 5\), column "id": "3" is the key/),
    ]);
  });

  it('fails at one more', async () => {
    await expect(loadDataset(shop({ 'events.csv': broken }), { ...NOW, maxBadRows: 2 })).rejects.toThrow(
      '(3 bad rows so far, 2 allowed)',
    );
  });

  it('skips malformed JSON and duplicate keys', async () => {
    const lines = SHOP_FILES['products.jsonl'].replace('{"id": "c"', 'oops').concat('{"id": "a", "title": "Again"}\n');
    const { dataset, report } = await loadWithReport(shop({ 'products.jsonl': lines }), { ...NOW, maxBadRows: 2 });
    expect(report.badRows).toBe(2);
    expect(dataset.items.keys).toEqual(['', 'a', 'b', 'd', 'c', 'e']);
    expect(dataset.items.display.get('title')![1]).toBe('Apple');
  });
});
