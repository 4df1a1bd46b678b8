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
  ).toEqual({ prefixes: ['v/1/', 'v/2/'], objects: [], next: 'a&b' });
  expect(listing('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')).toEqual({
    prefixes: [],
    objects: [],
    next: undefined,
  });
});

test('objects of a listing, in whatever order their parts stand', () => {
  expect(
    listing(
      `<ListBucketResult><Contents><Key>a/b &amp; c</Key><LastModified>x</LastModified><ETag>&quot;1f-2&quot;</ETag><Size>12</Size></Contents>
      <Contents>
        <Size>0</Size><ETag>"2e"</ETag><Key>a/</Key></Contents></ListBucketResult>`,
    ).objects,
  ).toEqual([
    { key: 'a/b & c', bytes: 12, etag: '"1f-2"' },
    { key: 'a/', bytes: 0, etag: '"2e"' },
  ]);
});

test('names come back as they were written, whatever they are', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (names) => {
      const xml = names.map((name) => `<CommonPrefixes><Prefix>${escaped(name)}</Prefix></CommonPrefixes>`).join('');
      expect(listing(xml).prefixes).toEqual(names);
    }),
  );
});
