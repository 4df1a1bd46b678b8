import { TwoTowerError } from '../errors.js';

/** Where a store lies in a bucket, and who asks for it. */
export interface S3Address {
  bucket: string;
  /** Empty, or what every key begins with, without slashes at its ends. */
  prefix: string;
  /** The address for people. */
  shown: string;
  /** What the URL of an object begins with: `https://bucket.s3.region.amazonaws.com/prefix`. */
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
 * Reads `s3://BUCKET/PREFIX` and what the usual variables say: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION (or
 * AWS_DEFAULT_REGION), and for another service than Amazon's AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL), where the bucket is part of the
 * path.
 *
 * @throws USAGE
 */
export function s3Address(text: string, env: NodeJS.ProcessEnv = process.env): S3Address {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)\/?(.*)$/i.exec(text.trim()) ?? [];
  const prefix = path.replace(/\/+$/, '');
  if (!BUCKET.test(bucket) || !prefix.split('/').every((part) => prefix === '' || /^(?!\.+$)[\w.=@+-]+$/.test(part))) {
    throw new TwoTowerError(
      'USAGE',
      `${text} is no store in a bucket`,
      'Write s3://BUCKET/PREFIX; in the prefix letters, digits and . _ - = @ + are allowed.',
    );
  }
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) {
    throw new TwoTowerError(
      'USAGE',
      `${text}: ${accessKeyId ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID'} is not set`,
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN); files of profiles and roles of machines are not read.',
    );
  }
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1';
  const key = prefix === '' ? '' : `/${prefix}`;
  return {
    bucket,
    prefix,
    shown: `s3://${bucket}${key}`,
    base: `${hostOf(bucket, region, env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL)}${key}`,
    region,
    accessKeyId,
    secretAccessKey,
    sessionToken: env.AWS_SESSION_TOKEN || undefined,
  };
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
