import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const sha = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();

/** Entries of a page of a listing: few, so that tests have several. */
const PAGE = 2;

export const S3_KEYS = {
  AWS_ACCESS_KEY_ID: 'test-key',
  AWS_SECRET_ACCESS_KEY: 'geheim/+geheim',
  AWS_REGION: 'eu-test-1',
};

/**
 * As much of S3 as stores and logs need, in memory, for one bucket: signatures (AWS Signature Version 4) and checksums of bodies are verified
 * as the documentation says, and conditions on ETags kept to.
 */
export class S3Server {
  readonly objects = new Map<string, Buffer>();
  /** Every request that was answered: `PUT versions/1/manifest.json 200`. */
  readonly log: string[] = [];
  /** Called before a request is answered; true: it has been dealt with. */
  fault: ((method: string, key: string, response: ServerResponse) => boolean) | undefined;

  private constructor(
    private readonly server: Server,
    readonly bucket: string,
  ) {}

  static async start(bucket = 'models', port = 0): Promise<S3Server> {
    const http = createServer();
    const server = new S3Server(http, bucket);
    http.on('request', (request, response) => void server.answer(request, response));
    http.listen(port, '127.0.0.1');
    await once(http, 'listening');
    return server;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** What a client finds in its environment. */
  get env() {
    return { ...S3_KEYS, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${this.port}` };
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method!;
    const url = new URL(request.url!, 'http://s3');
    const [, bucket, ...parts] = decodeURIComponent(url.pathname).split('/');
    const key = parts.join('/');
    const chunks: Buffer[] = [];
    for await (const chunk of request.on('error', () => {})) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (this.fault?.(method, key, response)) return;
    const say = (status: number, content: string | Buffer = '', headers: Record<string, string> = {}) => {
      this.log.push(`${method} ${key} ${status}`);
      response.writeHead(status, headers).end(content);
    };
    const refuse = (status: number, code: string) => say(status, `<Error><Code>${code}</Code></Error>`);
    const wrong = signatureFault(request, url, body);
    if (wrong !== undefined) return refuse(403, wrong);
    if (bucket !== this.bucket) return refuse(404, 'NoSuchBucket');
    if (request.headers['transfer-encoding'] !== undefined) return refuse(501, 'NotImplemented');
    const object = this.objects.get(key);
    const etag = object && `"${createHash('md5').update(object).digest('hex')}"`;
    if (method === 'GET' && key === '') return say(200, this.listing(url.searchParams));
    const { 'if-match': match, 'if-none-match': none, range } = request.headers;
    if (method === 'GET' || method === 'HEAD') {
      if (object === undefined) return refuse(404, 'NoSuchKey');
      if (none === etag) return say(304);
      if (match !== undefined && match !== etag) return refuse(412, 'PreconditionFailed');
      const head = { etag: etag!, 'content-length': String(object.length) };
      if (range === undefined) return say(200, object, head);
      const part = object.subarray(Number(/^bytes=(\d+)-$/.exec(range)![1]));
      return say(206, part, { etag: etag!, 'content-length': String(part.length) });
    }
    if (method !== 'PUT') return refuse(405, 'MethodNotAllowed');
    if (none === '*' && object !== undefined) return refuse(412, 'PreconditionFailed');
    if (match !== undefined && object === undefined) return refuse(404, 'NoSuchKey');
    if (match !== undefined && match !== etag) return refuse(412, 'PreconditionFailed');
    this.objects.set(key, body);
    say(200);
  }

  /** ListObjectsV2 with a delimiter. */
  private listing(query: URLSearchParams): string {
    const prefix = query.get('prefix') ?? '';
    const found = new Map<string, string>();
    for (const [key, object] of this.objects) {
      if (!key.startsWith(prefix)) continue;
      const slash = key.indexOf('/', prefix.length);
      if (slash !== -1) {
        const name = key.slice(0, slash + 1);
        found.set(name, `<CommonPrefixes><Prefix>${escaped(name)}</Prefix></CommonPrefixes>`);
      } else {
        const etag = createHash('md5').update(object).digest('hex');
        found.set(
          key,
          `<Contents><Key>${escaped(key)}</Key><ETag>&quot;${etag}&quot;</ETag><Size>${object.length}</Size></Contents>`,
        );
      }
    }
    const all = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, xml]) => xml);
    const from = Number(query.get('continuation-token')?.slice(1) ?? 0);
    const more = from + PAGE < all.length;
    return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${
      more ? `<NextContinuationToken>=${from + PAGE}</NextContinuationToken>` : ''
    }${all.slice(from, from + PAGE).join('')}</ListBucketResult>`;
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** What is wrong with the signature or the checksum of the body. */
function signatureFault({ method, headers }: IncomingMessage, url: URL, body: Buffer): string | undefined {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=(\w{64})$/;
  const [, id, day, region, names, signature] = form.exec(headers.authorization ?? '') ?? [];
  if (id !== S3_KEYS.AWS_ACCESS_KEY_ID) return 'InvalidAccessKeyId';
  if (region !== S3_KEYS.AWS_REGION) return 'AuthorizationHeaderMalformed';
  const stamp = String(headers['x-amz-date']);
  const content = String(headers['x-amz-content-sha256']);
  if (content !== 'UNSIGNED-PAYLOAD' && content !== sha(body)) return 'XAmzContentSHA256Mismatch';
  const signed = names!.split(';');
  // Whatever changes the meaning of a request has to be signed.
  const needed = ['host', ...Object.keys(headers).filter((name) => /^x-amz-|^if-/.test(name))];
  if (!needed.every((name) => signed.includes(name))) return 'AccessDenied';
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
  const canonical = [
    method,
    decodeURIComponent(url.pathname).split('/').map(encode).join('/'),
    query.join('&'),
    ...signed.map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    names,
    content,
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const key = ['s3', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${S3_KEYS.AWS_SECRET_ACCESS_KEY}`, day!), region!));
  const wanted = hmac(key, ['AWS4-HMAC-SHA256', stamp, scope, sha(canonical)].join('\n')).toString('hex');
  return wanted === signature && stamp.startsWith(day!) ? undefined : 'SignatureDoesNotMatch';
}
