import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { bodyOf, Problem, RETRY_AFTER_SECONDS } from './problem.js';
import { JSON_TYPE } from './routes.js';

/** Whoever asks for scores; everything else is answered under any load. */
const ASKING = new Set(['/v1/recommend', '/v1/rank']);
const BODY = JSON.stringify(bodyOf(new Problem('OVERLOADED', 'as many requests wait as the server takes')));

/**
 * Turns requests for scores away while no more may wait, before anything else is done with them: a refusal takes a tenth of what the
 * whole way through the router, the body and the engine's queue takes, and is what a server under five times its load does most.
 *
 * @param turnsAway whether the engine refuses
 * @param onRefused told the route of each
 */
export function refuseEarly(server: Server, turnsAway: () => boolean, onRefused: (route: string) => void): void {
  const listeners = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { method, url } = request;
    if (method !== 'POST' || !ASKING.has(url!) || !turnsAway()) {
      for (const listener of listeners) listener(request, response);
      return;
    }
    response.writeHead(503, {
      'content-type': JSON_TYPE,
      'content-length': BODY.length,
      'retry-after': String(RETRY_AFTER_SECONDS),
      'x-content-type-options': 'nosniff',
      'x-request-id': randomUUID(),
    });
    response.end(BODY);
    onRefused(`${method} ${url}`);
  });
}
