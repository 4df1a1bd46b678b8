import { expect, test } from 'vitest';
import { isS3Url, s3Address } from './address.js';

const KEYS = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };

test('an address and the usual variables', () => {
  expect(s3Address('s3://models/shop/v1/', { ...KEYS, AWS_REGION: 'eu-central-1', AWS_SESSION_TOKEN: 't' })).toEqual({
    bucket: 'models',
    prefix: 'shop/v1',
    shown: 's3://models/shop/v1',
    base: 'https://models.s3.eu-central-1.amazonaws.com/shop/v1',
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
  ['s3://my.models/a', {}, 'https://s3.us-east-1.amazonaws.com/my.models/a'],
  ['s3://models/a', { AWS_DEFAULT_REGION: 'cn-north-1' }, 'https://models.s3.cn-north-1.amazonaws.com.cn/a'],
  ['s3://models/a', { AWS_ENDPOINT_URL: 'http://127.0.0.1:9000/' }, 'http://127.0.0.1:9000/models/a'],
  ['s3://models/a', { AWS_ENDPOINT_URL: 'http://x', AWS_ENDPOINT_URL_S3: 'https://y/z' }, 'https://y/z/models/a'],
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
