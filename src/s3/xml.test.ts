import fc from 'fast-check';
import { expect, test } from 'vitest';
import { listing } from './xml.js';

const escaped = (text: string) =>
  text
    .replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
    .replaceAll("'", '&apos;')
    .replaceAll('é', '&#xe9;');

test('a page of a listing', () => {
  expect(
    listing(
      '<ListBucketResult><Prefix>v/</Prefix><IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b</NextContinuationToken>' +
        '<CommonPrefixes><Prefix>v/1/</Prefix></CommonPrefixes>\n<CommonPrefixes>\n<Prefix>v/2/</Prefix></CommonPrefixes></ListBucketResult>',
    ),
  ).toEqual({ prefixes: ['v/1/', 'v/2/'], next: 'a&b' });
  expect(listing('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')).toEqual({
    prefixes: [],
    next: undefined,
  });
});

test('names come back as they were written, whatever they are', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (names) => {
      const xml = names.map((name) => `<CommonPrefixes><Prefix>${escaped(name)}</Prefix></CommonPrefixes>`).join('');
      expect(listing(xml).prefixes).toEqual(names);
    }),
  );
});
