import { TwoTowerError } from '../../errors.js';

/** Everything that a request can be refused for: a stable code and its HTTP status. */
export const PROBLEMS = {
  BODY_INVALID: { status: 400, about: 'the body does not fit the schema; `path` says where' },
  BODY_MALFORMED: { status: 400, about: 'the body is not JSON, or not a binary frame' },
  REQUEST_INVALID: { status: 400, about: 'what was asked cannot be done with the version that serves' },
  KEY_MISSING: { status: 401, about: 'no API key was given, or one that is not known' },
  KEY_ROLE: { status: 403, about: 'the API key may read and not write' },
  NOT_FOUND: { status: 404, about: 'there is no such route, user or item' },
  REQUEST_TIMEOUT: { status: 408, about: 'the request came too slowly' },
  BODY_TOO_LARGE: { status: 413, about: 'the body is longer than allowed' },
  MEDIA_TYPE: { status: 415, about: 'the body is neither JSON nor a binary frame, or it is compressed' },
  HOST_REFUSED: { status: 421, about: 'a server without API keys answers to loopback names only' },
  CLIENT_LIMIT: { status: 429, about: 'this client has too many requests under way' },
  FAILED: { status: 500, about: 'a fault of the server; its log says more' },
  OVERLOADED: { status: 503, about: 'more requests are under way than the server takes' },
  NOT_READY: { status: 503, about: 'no version is loaded yet, or the server is ending' },
  NOT_CONFIRMED: { status: 503, about: 'it is not known whether the change was stored: send it again' },
  NOT_STORED: { status: 503, about: 'the change could not be made durable and was not applied' },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** Seconds after which a client that was turned away may try again. */
export const RETRY_AFTER_SECONDS = 1;

/** A refusal on its way to the client. */
export class Problem extends Error {
  readonly status: number;

  constructor(
    readonly code: ProblemCode,
    message: string,
    /** JSON path of the offending value, such as `candidates[3]`. */
    readonly path?: string,
  ) {
    super(message);
    this.name = 'Problem';
    this.status = PROBLEMS[code].status;
  }
}

export interface ProblemBody {
  error: { code: string; message: string; path?: string };
}

export function bodyOf({ code, message, path }: Problem): ProblemBody {
  return { error: { code, message, ...(path !== undefined && { path }) } };
}

/** What Fastify and the engine throw, as a problem. Anything unforeseen is `FAILED` and tells the client nothing of its inside. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TwoTowerError) {
    if (error.code === 'SERVING_OVERLOADED') return new Problem('OVERLOADED', error.message);
    if (error.code === 'SERVING_CLOSED') return new Problem('NOT_READY', error.message);
    if (error.code === 'SERVING_STATE')
      return new Problem('NOT_STORED', 'the change could not be stored and was not applied');
    if (error.code === 'SERVING_UNCONFIRMED')
      return new Problem('NOT_CONFIRMED', 'it is not known whether the change was stored: send it again');
    if (error.code === 'USAGE') return new Problem('REQUEST_INVALID', error.message);
    return new Problem('FAILED', 'the server could not answer');
  }
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE' || statusCode === 413) {
    return new Problem('BODY_TOO_LARGE', 'the body is longer than this route allows');
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || statusCode === 415) {
    return new Problem('MEDIA_TYPE', 'send application/json');
  }
  if (statusCode === 400) return new Problem('BODY_MALFORMED', message ?? 'the body cannot be read');
  return new Problem('FAILED', 'the server could not answer');
}
