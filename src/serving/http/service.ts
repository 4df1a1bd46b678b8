import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { TwoTowerError } from '../../errors.js';
import { packagePath } from '../../package-root.js';
import type { EngineHost } from '../contract.js';
import type { FunnelRecorder } from '../funnel-log/recorder.js';
import type { ServingState } from '../state/serving-state.js';
import { Admission } from './admission.js';
import { type Asset, dashboardAssets } from './assets.js';
import { FRAME_TYPE } from './frame.js';
import { type KeyRing, presentedKey } from './keys.js';
import { LiveStats } from './live-stats.js';
import { isLoopback, isLoopbackName } from './loopback.js';
import { ServiceMetrics } from './metrics.js';
import { openApiDocument } from './openapi.js';
import type { ServiceOptions } from './options.js';
import { refuseEarly } from './overload.js';
import { bodyOf, Problem, problemOf, RETRY_AFTER_SECONDS } from './problem.js';
import { JSON_TYPE, ROUTES, type Route, type ServiceContext } from './routes.js';

export interface ServiceParts {
  host: EngineHost;
  state: ServingState;
  keys: KeyRing;
  options: ServiceOptions;
  log: Logger;
  funnel?: FunnelRecorder | undefined;
}

/** The HTTP service around an engine. */
export interface Service {
  /** The router, for tests of what it holds. */
  readonly app: FastifyInstance;
  /** Begins to listen. @returns the address, such as `http://127.0.0.1:8080` */
  listen(): Promise<string>;
  /**
   * Takes no new connections, says so at `/readyz`, lets requests under way finish for as long as `timeouts.drainMs` allows and
   * closes the connections. The parts (engine, stores) are left to who made them.
   */
  drain(): Promise<{ clean: boolean }>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    role?: Route['role'];
    frames?: boolean;
  }
}

/** Characters of a key in a path, each of which may be three when escaped. */
const LONGEST_PARAMETER = 3_072;

/** @throws USAGE where it would listen to the world without keys */
export async function createService({ host, state, keys, options, log, funnel }: ServiceParts): Promise<Service> {
  refuseOpenWorld(options, keys);
  const { limits, timeouts } = options;
  const admission = new Admission(limits);
  const context: ServiceContext = {
    host,
    state,
    options,
    funnel,
    metrics: new ServiceMetrics(
      host,
      () => admission.underWay,
      () => state.status(),
    ),
    live: new LiveStats(),
  };
  let draining = false;
  let turnedAway = 0;

  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyBytes,
    connectionTimeout: timeouts.idleMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    http: { headersTimeout: timeouts.headersMs, connectionsCheckingInterval: Math.min(1_000, timeouts.headersMs) },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    clientErrorHandler: answerBrokenRequest,
  });
  app.server.maxConnections = limits.connections;

  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser(FRAME_TYPE, { parseAs: 'buffer' }, (request, body, done) => {
    if (request.routeOptions.config.frames) done(null, body);
    else done(new Problem('MEDIA_TYPE', 'this route reads application/json'));
  });

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    if (draining) reply.header('connection', 'close');
    if (keys.openReads && !isLoopbackName(request.hostname)) {
      // A page of the world whose name was pointed at this machine would otherwise read through its visitor's browser.
      throw new Problem('HOST_REFUSED', `this server is not ${JSON.stringify(request.hostname).slice(0, 100)}`);
    }
    const { role } = request.routeOptions.config;
    if (role === undefined) return;
    const client = authorise(keys, role, request);
    admission.enter(client);
    // Not the response's end: a client that went away counts no longer either.
    reply.raw.once('close', () => admission.leave(client));
    if (request.headers['content-encoding'] !== undefined) {
      throw new Problem('MEDIA_TYPE', 'compressed bodies are not read; send the body as it is');
    }
  });

  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request;
    const { statusCode: status, elapsedTime: ms } = reply;
    const route = routeOptions.url === undefined ? 'none' : `${method} ${routeOptions.url}`;
    context.metrics.response(route, status, ms / 1000);
    if (route === 'POST /v1/recommend' || route === 'POST /v1/rank') context.live.response(status, ms);
    log.debug({ requestId: request.id, route, status, ms }, 'answered');
  });

  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.code === 'FAILED') log.error({ err: error, requestId: request.id }, 'a request failed');
    else if (problem.status === 503) log.warn({ requestId: request.id, code: problem.code }, (error as Error).message);
    return answerProblem(reply, problem);
  });
  app.setNotFoundHandler((request, reply) => {
    return answerProblem(reply, new Problem('NOT_FOUND', `there is no ${request.method} ${request.url.slice(0, 200)}`));
  });

  for (const route of ROUTES) {
    app.route({
      method: route.method,
      url: route.path,
      config: { role: route.role, frames: route.frames === true },
      bodyLimit: route.role === 'write' ? limits.writeBytes : limits.bodyBytes,
      async handler(request, reply) {
        const answer = await route.handle(context, request, reply);
        if (typeof answer === 'string' || answer instanceof Uint8Array) return reply.send(answer);
        return reply.type(JSON_TYPE).send(JSON.stringify(answer));
      },
    });
  }

  const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string };
  const document = JSON.stringify(openApiDocument(ROUTES, version));
  app.get('/openapi.json', (_, reply) => reply.type(JSON_TYPE).send(document));
  app.get('/healthz', (_, reply) => reply.type(JSON_TYPE).send('{"status":"alive"}'));
  app.get('/readyz', (_, reply) => {
    if (draining || !host.ready()) {
      return answerProblem(
        reply,
        new Problem('NOT_READY', draining ? 'the server is ending' : 'no version is loaded yet'),
      );
    }
    // Not a reason to send requests elsewhere: the other servers of the fleet share the same state.
    const { stale } = state.status();
    return reply.type(JSON_TYPE).send(JSON.stringify({ status: 'ready', ...(stale && { stale }) }));
  });
  refuseEarly(
    app.server,
    () => host.turnsAway(),
    (route) => {
      context.metrics.response(route, 503, 0);
      context.live.response(503, 0);
      // One line a second: thousands would take longer than what they tell of.
      if (turnedAway++ > 0) return;
      setTimeout(() => {
        log.warn({ code: 'OVERLOADED', turnedAway }, 'requests were turned away unread');
        turnedAway = 0;
      }, 1_000).unref();
    },
  );
  for (const [path, asset] of dashboardAssets()) app.get(path, (_, reply) => answerAsset(reply, asset));

  return {
    app,
    listen: () => app.listen({ host: options.host, port: options.port }),
    async drain() {
      draining = true;
      const closed = app.close();
      const clean = await admission.idle(timeouts.drainMs);
      app.server.closeAllConnections();
      await closed;
      return { clean };
    },
  };
}

/** @throws USAGE where the server would answer the world without keys */
export function refuseOpenWorld(options: ServiceOptions, keys: KeyRing): void {
  if (keys.openReads && !isLoopback(options.host)) {
    throw new TwoTowerError(
      'USAGE',
      `the server would answer everybody who reaches ${options.host}`,
      'Give a file of API keys with --keys (twotower keys makes one), or listen on 127.0.0.1.',
    );
  }
}

/** Who asks: a key's name, or the address where reading is open. @throws Problem KEY_MISSING, KEY_ROLE */
function authorise(keys: KeyRing, role: Route['role'], request: FastifyRequest): string {
  const presented = presentedKey(request.headers);
  if (presented === undefined) {
    if (role === 'read' && keys.openReads) return request.ip;
    throw new Problem('KEY_MISSING', 'send an API key: authorization: Bearer KEY');
  }
  const found = keys.find(presented);
  if (found === undefined) throw new Problem('KEY_MISSING', 'the API key is not known');
  if (role === 'write' && found.role !== 'write') {
    throw new Problem('KEY_ROLE', `the key "${found.name}" may read and not write`);
  }
  return `key ${found.name}`;
}

function answerProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { status } = problem;
  if (status === 429 || status === 503) reply.header('retry-after', String(RETRY_AFTER_SECONDS));
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(status)
    .type(JSON_TYPE)
    .send(JSON.stringify(bodyOf(problem)));
}

function answerAsset(reply: FastifyReply, { type, bytes }: Asset): FastifyReply {
  return reply
    .type(type)
    .header('cache-control', 'no-cache')
    .header(
      'content-security-policy',
      "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    )
    .header('referrer-policy', 'no-referrer')
    .send(bytes);
}

/** What is not HTTP, or came too slowly, never becomes a request: answered on the bare socket. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: import('node:net').Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [line, problem] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', new Problem('REQUEST_TIMEOUT', 'the request came too slowly')]
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', new Problem('BODY_MALFORMED', 'the headers are too long')]
        : ['400 Bad Request', new Problem('BODY_MALFORMED', 'the request is not HTTP')];
  const body = JSON.stringify(bodyOf(problem as Problem));
  socket.end(
    `HTTP/1.1 ${line}\r\ncontent-type: ${JSON_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
