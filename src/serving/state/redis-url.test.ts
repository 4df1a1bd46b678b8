import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRedisUrl } from './redis-url.js';

const defaults = { name: 'twotower', events: 5_000_000, replicas: 0 };

test('an address is taken apart, and shown without user and password', () => {
  expect(parseRedisUrl('redis://10.0.0.5')).toEqual({
    shown: 'redis://10.0.0.5:6379/0',
    tls: false,
    hosts: [{ host: '10.0.0.5', port: 6379 }],
    username: undefined,
    password: undefined,
    database: 0,
    options: defaults,
  });
  expect(parseRedisUrl('rediss://shop:a%40b%2F%25@[::1]:7000,node-2/3?name=shop.a&events=10&replicas=1')).toEqual({
    shown: 'rediss://::1:7000,node-2:6379/3',
    tls: true,
    hosts: [
      { host: '::1', port: 7000 },
      { host: 'node-2', port: 6379 },
    ],
    username: 'shop',
    password: 'a@b/%',
    database: 3,
    options: { name: 'shop.a', events: 10, replicas: 1 },
  });
  expect(parseRedisUrl('redis://:secret@host/')).toMatchObject({
    username: undefined,
    password: 'secret',
    database: 0,
  });
});

test.each([
  ['10.0.0.5:6379', 'it is no URL'],
  ['http://host', 'the scheme is "http"'],
  ['redis://', 'a host is missing'],
  ['redis://host:0', 'the port is 0'],
  ['redis://host:99999', 'the port is 99999'],
  ['redis://host:port', 'a host is not of the form HOST:PORT'],
  ['redis://u:se/cret@host', 'an @ stands behind the host'],
  ['redis://u:se?cret@host', 'an @ stands behind the host'],
  ['redis://host/first', 'the database is "first", not a number'],
  ['redis://u:100%@host', 'the password is not percent-encoded'],
  ['redis://host?nmae=a', 'there is no option "nmae"\n  did you mean "name"?'],
  ['redis://host?name={a}', 'name: letters, digits and ._:- are allowed'],
  ['redis://host?events=many', 'events: '],
  ['redis://host?replicas=-1', 'replicas: '],
])('%s is refused', (text, message) => {
  expect(() => parseRedisUrl(text)).toThrow(message);
});

test('whatever the password, it is read back, and neither shown nor told in an error', () => {
  const password = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).map((text) => `pw${text}`);
  fc.assert(
    fc.property(password, fc.constantFrom('host', 'host:1', 'host:x', 'h h', 'host/db', 'host?a=b'), (secret, rest) => {
      const told = (text: string) => {
        try {
          return parseRedisUrl(text).shown;
        } catch (error) {
          return (error as Error).message;
        }
      };
      const encoded = encodeURIComponent(secret);
      expect(parseRedisUrl(`redis://u:${encoded}@host`).password).toBe(secret);
      expect(told(`redis://user:${encoded}@${rest}`)).not.toContain(encoded);
      // As a newcomer would write it.
      expect(told(`redis://user:${secret}@host`)).not.toContain(secret);
    }),
  );
});
