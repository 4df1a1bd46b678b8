import { TwoTowerError } from '../errors.js';
import type { S3Address } from './address.js';
import { type Ask, signedFetch } from './signed-fetch.js';
import { listing } from './xml.js';

/** An object that was read. */
export interface Found {
  etag: string;
  response: Response;
}

/** What a new object is sent as. */
export interface Upload {
  /** Made anew for every attempt. */
  body: () => string | ReadableStream<Uint8Array>;
  bytes: number;
  /** Of the body, in hexadecimal: the service refuses anything else, so that no half of it is ever stored. */
  sha256: string;
}

/** The objects of a store in a bucket, by keys below its prefix. */
export interface Bucket {
  readonly shown: string;
  /** Ends what is under way; whoever reads a body looks at it. */
  readonly signal: AbortSignal | undefined;
  /** @returns undefined where there is none, 'same' where it still has the ETag */
  get(key: string, etag?: string): Promise<Found | 'same' | undefined>;
  /**
   * @param expected the ETag that the object has to have still, 'none' where there must not be one yet
   * @returns whether it was so
   */
  put(key: string, upload: Upload, expected?: string): Promise<boolean>;
  /** Names of what lies below a folder, ending in a slash themselves: their last part. */
  folders(folder: string): Promise<string[]>;
}

/** @throws (from every call) SERVING_STORE where the bucket cannot be reached or refuses, SERVING_CLOSED after `signal` */
export async function openBucket(address: S3Address, signal?: AbortSignal): Promise<Bucket> {
  const { base, shown, prefix } = address;
  const ask: Ask = await signedFetch(address, signal);
  return {
    shown,
    signal,
    async get(key, etag) {
      const response = await ask(
        'GET',
        `${base}/${key}`,
        etag === undefined ? {} : { headers: { 'if-none-match': etag } },
      );
      if (response.status === 304) return 'same';
      if (response.status === 404 && (await codeOf(response)) !== 'NoSuchBucket') return undefined;
      if (!response.ok) throw await refusal(`${shown}/${key}`, response);
      return { etag: response.headers.get('etag') ?? '', response };
    },
    async put(key, { body, bytes, sha256 }, expected) {
      const headers: Record<string, string> = { 'content-length': String(bytes), 'x-amz-content-sha256': sha256 };
      if (expected === 'none') headers['if-none-match'] = '*';
      else if (expected !== undefined) headers['if-match'] = expected;
      const response = await ask('PUT', `${base}/${key}`, { headers, body });
      // 409: somebody else is writing it at the same moment; 404: it was removed.
      const isOther = [404, 409, 412].includes(response.status);
      if (expected !== undefined && isOther && (await codeOf(response)) !== 'NoSuchBucket') return false;
      if (!response.ok) throw await refusal(`${shown}/${key}`, response);
      await response.arrayBuffer();
      return true;
    },
    async folders(folder) {
      const own = prefix === '' ? `${folder}/` : `${prefix}/${folder}/`;
      const root = prefix === '' ? base : base.slice(0, -prefix.length - 1);
      const names: string[] = [];
      let token: string | undefined;
      do {
        const query = new URLSearchParams({ 'list-type': '2', delimiter: '/', prefix: own });
        if (token !== undefined) query.set('continuation-token', token);
        const response = await ask('GET', `${root}/?${query}`);
        if (!response.ok) throw await refusal(shown, response);
        const page = listing(await response.text());
        names.push(...page.prefixes.map((name) => name.slice(own.length, -1)));
        token = page.next;
      } while (token !== undefined);
      return names.sort();
    },
  };
}

/** The service's own code for what is wrong: `NoSuchKey`. The body is read once. */
const codes = new WeakMap<Response, string>();
async function codeOf(response: Response): Promise<string> {
  const known = codes.get(response);
  if (known !== undefined) return known;
  const code = /<Code>([\w.]+)<\/Code>/.exec(await response.text().catch(() => ''))?.[1] ?? '';
  codes.set(response, code);
  return code;
}

async function refusal(what: string, response: Response): Promise<TwoTowerError> {
  const code = await codeOf(response);
  const said = `${what}: the service answers ${response.status}${code === '' ? '' : ` ${code}`}`;
  return new TwoTowerError(
    'SERVING_STORE',
    said,
    REMEDIES[code] ?? 'Look at the rights of the key, and at the region.',
  );
}

const REMEDIES: Record<string, string> = {
  NoSuchBucket: 'Make the bucket first, or correct its name and AWS_ENDPOINT_URL_S3.',
  InvalidAccessKeyId: 'AWS_ACCESS_KEY_ID is not known there.',
  SignatureDoesNotMatch: 'AWS_SECRET_ACCESS_KEY is not that of AWS_ACCESS_KEY_ID.',
  AccessDenied: 'The key needs s3:GetObject and s3:ListBucket, to publish s3:PutObject, too.',
  RequestTimeTooSkewed: 'Set the clock of this machine.',
  PermanentRedirect: 'The bucket is in another region: set AWS_REGION.',
  AuthorizationHeaderMalformed: 'The bucket is in another region: set AWS_REGION.',
};
