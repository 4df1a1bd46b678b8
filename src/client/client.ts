import type { ChangeReply, ItemReply, RankReply, RecommendReply, UserReply } from '../serving/http/answers.js';
import { decodeFrame, encodeFrame, FRAME_TYPE, type FrameArray } from '../serving/http/frame.js';
import type { EventsBody, ItemsBody, RankBody, RankHead, RecommendBody, UsersBody } from '../serving/http/schemas.js';

export interface ClientOptions {
  /** Where the server is, such as `http://127.0.0.1:8080`. */
  url: string;
  /** API key. */
  key?: string;
  /** Milliseconds until a request is given up; 10,000 unless given. */
  timeoutMs?: number;
  /** How often a request is repeated that the server was too busy for (429, 503); 2 unless given. */
  retries?: number;
  fetch?: typeof fetch;
}

/** A refusal or a fault of the server. */
export class ServerError extends Error {
  constructor(
    readonly status: number,
    /** Stable, such as `BODY_INVALID`. */
    readonly code: string,
    message: string,
    /** JSON path of the offending value. */
    readonly path?: string,
  ) {
    super(message);
    this.name = 'ServerError';
  }
}

export interface ArrayRanking extends Omit<RankReply, 'items' | 'scores'> {
  /** Positions in the candidates, best first. */
  order: Uint32Array;
  /** Scores in that order, as the model gave them. */
  scores: Float32Array;
}

/** Speaks with `twotower serve`. Holds no connection; runs in Node, browsers and workers alike. */
export class TwoTowerClient {
  /** @throws TypeError where `url` is no address */
  constructor(private readonly options: ClientOptions) {
    if (URL.canParse(options.url)) return;
    const given = typeof options === 'string' ? options : options.url;
    throw new TypeError(`url: ${JSON.stringify(given)} is no address: give { url: 'http://127.0.0.1:8080' }`);
  }

  /** The best items for a user. @throws ServerError */
  recommend(request: RecommendBody): Promise<RecommendReply> {
    return this.json('POST', '/v1/recommend', request);
  }

  /** Orders candidates. @throws ServerError */
  rank(request: RankBody): Promise<RankReply> {
    return this.json('POST', '/v1/rank', request);
  }

  /** Orders candidates whose keys are whole numbers, in the compact form, which takes fewer bytes and rounds no score. @throws ServerError */
  async rankArray(candidates: Exclude<FrameArray, Float32Array>, request: RankHead = {}): Promise<ArrayRanking> {
    const body = encodeFrame({ head: request, arrays: { candidates } });
    const response = await this.send('POST', '/v1/rank', FRAME_TYPE, body);
    const { head, arrays } = decodeFrame(new Uint8Array(await response.arrayBuffer()));
    return {
      ...(head as Omit<ArrayRanking, 'order' | 'scores'>),
      ...(arrays as Pick<ArrayRanking, 'order' | 'scores'>),
    };
  }

  putItems(items: ItemsBody['items']): Promise<ChangeReply> {
    return this.json('PUT', '/v1/items', { items });
  }

  deleteItems(keys: (string | number)[]): Promise<ChangeReply> {
    return this.json('DELETE', '/v1/items', { keys });
  }

  putUsers(users: UsersBody['users']): Promise<ChangeReply> {
    return this.json('PUT', '/v1/users', { users });
  }

  deleteUsers(keys: (string | number)[]): Promise<ChangeReply> {
    return this.json('DELETE', '/v1/users', { keys });
  }

  addEvents(events: EventsBody['events']): Promise<ChangeReply> {
    return this.json('POST', '/v1/events', { events });
  }

  /** What is known of an item; undefined where nothing is. */
  item(key: string | number): Promise<ItemReply | undefined> {
    return this.found(`/v1/items/${encodeURIComponent(key)}`);
  }

  /** What is known of a user; undefined where nothing is. */
  user(key: string | number): Promise<UserReply | undefined> {
    return this.found(`/v1/users/${encodeURIComponent(key)}`);
  }

  private async found<T>(path: string): Promise<T | undefined> {
    try {
      return await this.json('GET', path);
    } catch (error) {
      if (error instanceof ServerError && error.status === 404) return undefined;
      throw error;
    }
  }

  private async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return (await this.send(method, path, 'application/json', text)).json() as Promise<T>;
  }

  private async send(
    method: string,
    path: string,
    type: string,
    body?: string | Uint8Array<ArrayBuffer>,
  ): Promise<Response> {
    const { url, key, timeoutMs = 10_000, retries = 2, fetch: send = fetch } = this.options;
    for (let attempt = 0; ; attempt++) {
      const response = await send(new URL(path, url), {
        method,
        headers: {
          ...(body !== undefined && { 'content-type': type }),
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
        },
        ...(body !== undefined && { body }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (response.ok) return response;
      const error = await errorOf(response);
      // The server took nothing of such a request, so that it may be sent again whatever it asks; but for one whose change may be
      // stored: whether it may be made twice only the caller knows.
      const isUntaken = [429, 503].includes(response.status) && error.code !== 'NOT_CONFIRMED';
      if (!isUntaken || attempt >= retries) throw error;
      const seconds = Number(response.headers.get('retry-after') ?? 1);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000 * (0.5 + Math.random())));
    }
  }
}

async function errorOf(response: Response): Promise<ServerError> {
  const text = await response.text();
  try {
    const { code, message, path } = (JSON.parse(text) as { error: { code: string; message: string; path?: string } })
      .error;
    return new ServerError(response.status, code, message, path);
  } catch {
    return new ServerError(response.status, 'UNREADABLE', `the answer is no JSON of twotower: ${text.slice(0, 200)}`);
  }
}
