import { TwoTowerError } from '../errors.js';
import type { S3Address } from './address.js';

export interface Asked {
  headers?: Record<string, string>;
  /** Made anew for every attempt. */
  body?: () => string | ReadableStream<Uint8Array>;
}

type Method = 'GET' | 'HEAD' | 'PUT';
/** A signed request; the answer, whatever its status, once it is neither 429 nor 5xx or enough was tried. */
export type Ask = (method: Method, url: string, asked?: Asked) => Promise<Response>;

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 200;
/** Until the head of an answer; an upload has as much time as its bytes take. */
const HEAD_MS = 30_000;

/** @throws (from every call) S3_UNREACHABLE where nothing answers, the reason of `signal` after it */
export async function signedFetch(address: S3Address, signal?: AbortSignal): Promise<Ask> {
  const { AwsV4Signer } = await import('aws4fetch').catch((cause: Error) => {
    throw new TwoTowerError(
      'USAGE',
      `${address.shown} needs the package aws4fetch: ${cause.message.split('\n')[0]}`,
      'npm install aws4fetch',
    );
  });
  const { accessKeyId, secretAccessKey, sessionToken, region } = address;
  const cache = new Map<string, ArrayBuffer>();
  const once = async (method: Method, url: string, { headers = {}, body }: Asked): Promise<Response> => {
    const signer = new AwsV4Signer({
      ...{ method, url, headers, accessKeyId, secretAccessKey, region, cache, service: 's3' },
      ...(sessionToken !== undefined && { sessionToken }),
    });
    const signed = await signer.sign();
    // Objects are wanted as they are stored. Not signed: some services rewrite it on the way.
    signed.headers.set('accept-encoding', 'identity');
    const ended = new AbortController();
    const stop = () => ended.abort();
    signal?.addEventListener('abort', stop);
    const timer = body === undefined ? setTimeout(stop, HEAD_MS) : undefined;
    try {
      const init = { method, headers: signed.headers, signal: ended.signal, redirect: 'manual' as const };
      return await fetch(
        signed.url,
        body === undefined ? init : ({ ...init, body: body(), duplex: 'half' } as RequestInit),
      );
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  };
  return async (method, url, asked = {}) => {
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      let failure: unknown;
      try {
        const response = await once(method, url, asked);
        if ((response.status < 500 && response.status !== 429) || attempt === ATTEMPTS) return response;
        await response.body?.cancel();
      } catch (error) {
        failure = error;
      }
      if (attempt === ATTEMPTS) throw unreachable(address, failure);
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random())));
    }
  };
}

function unreachable({ shown, base }: S3Address, failure: unknown): TwoTowerError {
  const { cause, message } = failure as Error & { cause?: NodeJS.ErrnoException };
  const said = cause?.code ?? cause?.message ?? message;
  return new TwoTowerError(
    'S3_UNREACHABLE',
    `${shown}: nothing answers at ${new URL(base).host} (${said})`,
    'Set AWS_ENDPOINT_URL_S3 for another service than Amazon’s, and look whether it can be reached.',
  );
}
