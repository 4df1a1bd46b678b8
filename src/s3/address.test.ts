import { expect, test } from 'vitest';
import { encodeKey, isS3Url, s3Address, splitS3Url } from './address.js';

const KEYS = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };

test('an address and the usual variables', () => {
  expect(s3Address('s3://models/shop/v1/', { ...KEYS, AWS_REGION: 'eu-central-1', AWS_SESSION_TOKEN: 't' })).toEqual({
    bucket: 'models',
    prefix: 'shop/v1',
    shown: 's3://models/shop/v1',
    base: 'https://models.s3.eu-central-1.amazonaws.com',
    region: 'eu-central-1',
    accessKeyId: 'id',
    secretAccessKey: 'secret',
    sessionToken: 't',
  });
  expect([isS3Url('s3://x'), isS3Url('S3://x'), isS3Url('/s3/x'), isS3Url('store')]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test.each([
  ['s3://models', {}, 'https://models.s3.us-east-1.amazonaws.com'],
  ['s3://my.models/a', {}, 'https://s3.us-east-1.amazonaws.com/my.models'],
  ['s3://models/a', { AWS_DEFAULT_REGION: 'cn-north-1' }, 'https://models.s3.cn-north-1.amazonaws.com.cn'],
  ['s3://models/a', { AWS_ENDPOINT_URL: 'http://127.0.0.1:9000/' }, 'http://127.0.0.1:9000/models'],
  ['s3://models/a', { AWS_ENDPOINT_URL: 'http://x', AWS_ENDPOINT_URL_S3: 'https://y/z' }, 'https://y/z/models'],
])('%s with %o', (text, env, base) => {
  expect(s3Address(text, { ...KEYS, ...env }).base).toBe(base);
});

test.each([
  ['s3:/models', KEYS, 'is no store in a bucket'],
  ['s3://', KEYS, 'is no store in a bucket'],
  ['s3://Models', KEYS, 'is no store in a bucket'],
  ['s3://models/a//b', KEYS, 'is no store in a bucket'],
  ['s3://models/../b', KEYS, 'is no store in a bucket'],
  ['s3://models/a?b', KEYS, 'is no store in a bucket'],
  ['s3://models/a', {}, 'AWS_ACCESS_KEY_ID is not set'],
  ['s3://models/a', { AWS_ACCESS_KEY_ID: 'id' }, 'AWS_SECRET_ACCESS_KEY is not set'],
  ['s3://models/a', { ...KEYS, AWS_ENDPOINT_URL: 'localhost' }, 'the endpoint is "localhost", no URL'],
  ['s3://models/a', { ...KEYS, AWS_ENDPOINT_URL: 'ftp://host' }, 'the endpoint is "ftp://host", no URL'],
])('%s with %o is one clear error', (text, env, message) => {
  expect(() => s3Address(text, env)).toThrow(message);
});

test.each([
  ['s3://logs', { bucket: 'logs', key: '' }],
  ['S3://logs/', { bucket: 'logs', key: '' }],
  ['s3://logs/a/b*.parquet', { bucket: 'logs', key: 'a/b*.parquet' }],
  ['s3://logs/day=2024-01-01T00:00/é ?/', { bucket: 'logs', key: 'day=2024-01-01T00:00/é ?/' }],
  ['s3://logs//a', undefined],
  ['s3://logs/a//', undefined],
  ['s3://logs/../a', undefined],
  ['s3://logs/a\nb', undefined],
  ['s3://LOGS/a', undefined],
  ['s3:logs/a', undefined],
])('%j has these parts', (text, parts) => {
  expect(splitS3Url(text)).toEqual(parts);
});

test('keys stand in URLs so that they are signed as they are sent', () => {
  expect(encodeKey("a+b/c d/é*'(1)")).toBe('a%2Bb/c%20d/%C3%A9%2A%27%281%29');
});
