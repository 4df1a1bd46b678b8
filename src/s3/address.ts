import { TwoTowerError } from '../errors.js';

/** A folder of a bucket, and who asks for it. */
export interface S3Address {
  bucket: string;
  /** Empty, or what every key begins with, without slashes at its ends. */
  prefix: string;
  /** The address for people. */
  shown: string;
  /** URL of the bucket, without a slash at its end: `https://bucket.s3.region.amazonaws.com`. */
  base: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string | undefined;
}

export function isS3Url(text: string): boolean {
  return /^s3:/i.test(text);
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/**
 * The two parts of `s3://BUCKET/KEY`; the key may be empty or end with a slash. Keys of S3 may be anything: what a URL cannot
 * carry (parts that are empty or consist of dots, control characters) is refused.
 *
 * @returns undefined where the text is no such address
 */
export function splitS3Url(text: string): { bucket: string; key: string } | undefined {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)\/?(.*)$/i.exec(text) ?? [];
  const parts = key.replace(/\/$/, '').split('/');
  const isKey = key === '' || parts.every((part) => /^(?!\.{1,2}$)\P{Cc}+$/u.test(part));
  return BUCKET.test(bucket) && isKey ? { bucket, key } : undefined;
}

/** The folder `s3://BUCKET/PREFIX` of a store, with what {@link bucketAddress} adds. @throws USAGE */
export function s3Address(text: string, env: NodeJS.ProcessEnv = process.env): S3Address {
  const found = splitS3Url(text.trim().replace(/\/+$/, ''));
  if (found === undefined || (found.key !== '' && !/^[\w.=@+/-]+$/.test(found.key))) {
    throw new TwoTowerError(
      'USAGE',
      `${text} is no store in a bucket`,
      'Write s3://BUCKET/PREFIX; in the prefix letters, digits and . _ - = @ + are allowed.',
    );
  }
  return bucketAddress(found.bucket, found.key, env);
}

/**
 * A folder of a bucket with what the usual variables say: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION (or
 * AWS_DEFAULT_REGION), and for another service than Amazon's AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL), where the bucket is part of the
 * path.
 *
 * @param prefix the folder, without slashes at its ends; empty for the bucket itself
 * @throws USAGE
 */
export function bucketAddress(bucket: string, prefix: string, env: NodeJS.ProcessEnv = process.env): S3Address {
  const shown = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) {
    throw new TwoTowerError(
      'USAGE',
      `${shown}: ${accessKeyId ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID'} is not set`,
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN); files of profiles and roles of machines are not read.',
    );
  }
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1';
  return {
    bucket,
    prefix,
    shown,
    base: hostOf(bucket, region, env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL),
    region,
    accessKeyId,
    secretAccessKey,
    sessionToken: env.AWS_SESSION_TOKEN || undefined,
  };
}

/** A key as it stands in a URL, and in its signature. */
export function encodeKey(key: string): string {
  const encode = (part: string) =>
    encodeURIComponent(part).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return key.split('/').map(encode).join('/');
}

function hostOf(bucket: string, region: string, endpoint: string | undefined): string {
  if (endpoint !== undefined) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    if (url !== undefined && /^https?:$/.test(url.protocol)) return `${url.href.replace(/\/+$/, '')}/${bucket}`;
    throw new TwoTowerError('USAGE', `the endpoint is "${endpoint}", no URL`, 'Set AWS_ENDPOINT_URL_S3=https://HOST.');
  }
  const host = `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  // The certificate of a bucket's own host covers no dots.
  return bucket.includes('.') ? `https://${host}/${bucket}` : `https://${bucket}.${host}`;
}
