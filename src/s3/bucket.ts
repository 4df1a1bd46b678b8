import { TwoTowerError } from '../errors.js';
import { encodeKey, type S3Address } from './address.js';
import { type Ask, signedFetch } from './signed-fetch.js';
import { type Listed, type Listing, listing } from './xml.js';

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

/** The objects of a folder in a bucket, by keys below its prefix. */
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
  /** What lies in the folder itself, not below it, and has a name that begins so; keys are names. */
  objects(start?: string): Promise<Listed[]>;
  /** An object as a listing tells of it. @returns undefined where there is none, 'refused' where the key may not ask */
  head(key: string): Promise<Listed | 'refused' | undefined>;
  /**
   * The bytes of an object from one of them on; from the first on where the service does not know ranges: status 206 or 200.
   *
   * @returns 'changed' where the object no longer has this ETag, or is gone
   */
  read(object: Listed, from: number): Promise<Response | 'changed'>;
}

/**
 * @throws (from every call) S3_REFUSED where the service refuses, S3_UNREACHABLE where it does not answer, the reason of `signal`
 *   after it
 */
export async function openBucket(address: S3Address, signal?: AbortSignal): Promise<Bucket> {
  const { base, shown, prefix } = address;
  const ask: Ask = await signedFetch(address, signal);
  const inside = prefix === '' ? '' : `${prefix}/`;
  const urlOf = (key: string) => `${base}/${encodeKey(inside + key)}`;
  /** All pages of what lies between a prefix and the next slash, with whole keys. */
  const list = async (start: string): Promise<Pick<Listing, 'prefixes' | 'objects'>> => {
    const found: Pick<Listing, 'prefixes' | 'objects'> = { prefixes: [], objects: [] };
    let token: string | undefined;
    do {
      const query = new URLSearchParams({ 'list-type': '2', delimiter: '/', prefix: inside + start });
      if (token !== undefined) query.set('continuation-token', token);
      const response = await ask('GET', `${base}/?${query}`);
      if (!response.ok) throw await refusal(shown, response);
      const page = listing(await response.text());
      found.prefixes.push(...page.prefixes);
      found.objects.push(...page.objects);
      token = page.next;
    } while (token !== undefined);
    return found;
  };
  return {
    shown,
    signal,
    async get(key, etag) {
      const response = await ask('GET', urlOf(key), etag === undefined ? {} : { headers: { 'if-none-match': etag } });
      if (response.status === 304) return 'same';
      if (response.status === 404 && (await codeOf(response)) !== 'NoSuchBucket') return undefined;
      if (!response.ok) throw await refusal(`${shown}/${key}`, response);
      return { etag: response.headers.get('etag') ?? '', response };
    },
    async put(key, { body, bytes, sha256 }, expected) {
      const headers: Record<string, string> = { 'content-length': String(bytes), 'x-amz-content-sha256': sha256 };
      if (expected === 'none') headers['if-none-match'] = '*';
      else if (expected !== undefined) headers['if-match'] = expected;
      const response = await ask('PUT', urlOf(key), { headers, body });
      // 409: somebody else is writing it at the same moment; 404: it was removed.
      const isOther = [404, 409, 412].includes(response.status);
      if (expected !== undefined && isOther && (await codeOf(response)) !== 'NoSuchBucket') return false;
      if (!response.ok) throw await refusal(`${shown}/${key}`, response);
      await response.arrayBuffer();
      return true;
    },
    async folders(folder) {
      const { prefixes } = await list(`${folder}/`);
      return prefixes.map((name) => name.slice(inside.length + folder.length + 1, -1)).sort();
    },
    async objects(start = '') {
      const { objects } = await list(start);
      return objects.map((object) => ({ ...object, key: object.key.slice(inside.length) }));
    },
    async head(key) {
      const response = await ask('HEAD', urlOf(key));
      const { ok, status, headers } = response;
      if (status >= 500) throw await refusal(`${shown}/${key}`, response);
      if (ok) return { key, bytes: Number(headers.get('content-length')), etag: headers.get('etag') ?? '' };
      // The answer to HEAD has no body that could say more.
      return status === 404 ? undefined : 'refused';
    },
    async read({ key, etag }, from) {
      const headers: Record<string, string> = etag === '' ? {} : { 'if-match': `"${bare(etag)}"` };
      if (from > 0) headers.range = `bytes=${from}-`;
      const response = await ask('GET', urlOf(key), { headers });
      if (response.status === 412 || (response.status === 404 && (await codeOf(response)) !== 'NoSuchBucket')) {
        return 'changed';
      }
      if (!response.ok) throw await refusal(`${shown}/${key}`, response);
      // Not every service keeps to conditions of reading.
      const now = response.headers.get('etag') ?? etag;
      if (etag === '' || bare(now) === bare(etag)) return response;
      await response.body?.cancel();
      return 'changed';
    },
  };
}

/** Without quotes, and without the mark of what a proxy has packed. */
function bare(etag: string): string {
  return etag.replace(/^W\/|"/g, '');
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
    'S3_REFUSED',
    said,
    REMEDIES[code] ??
      (response.status < 500 ? 'Look at the rights of the key, and at the region.' : 'Try again later.'),
  );
}

const REMEDIES: Record<string, string> = {
  NoSuchBucket: 'Make the bucket first, or correct its name and AWS_ENDPOINT_URL_S3.',
  InvalidAccessKeyId: 'AWS_ACCESS_KEY_ID is not known there.',
  SignatureDoesNotMatch: 'AWS_SECRET_ACCESS_KEY is not that of AWS_ACCESS_KEY_ID.',
  AccessDenied: 'The key needs s3:GetObject and s3:ListBucket, to publish s3:PutObject, too.',
  RequestTimeTooSkewed: 'Set the clock of this machine.',
  ExpiredToken: 'AWS_SESSION_TOKEN is too old: get new keys.',
  InvalidObjectState: 'The object is archived: restore it first.',
  PermanentRedirect: 'The bucket is in another region: set AWS_REGION.',
  AuthorizationHeaderMalformed: 'The bucket is in another region: set AWS_REGION.',
};
