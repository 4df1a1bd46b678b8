import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { EngineHost, Key } from '../contract.js';
import type { FunnelRecorder } from '../funnel-log/recorder.js';
import type { ServingState } from '../state/serving-state.js';
import { changeAnswer, itemAnswer, lookupAnswer, rankAnswer, recommendAnswer, userAnswer } from './answers.js';
import { rankFrame, validBody } from './body.js';
import { FRAME_TYPE } from './frame.js';
import type { LiveStats } from './live-stats.js';
import type { ServiceMetrics } from './metrics.js';
import type { ServiceOptions } from './options.js';
import { Problem } from './problem.js';
import { rankFrameReply, rankReply, recommendReply, userReply } from './replies.js';
import { eventsBody, itemsBody, keysBody, lookupBody, rankBody, recommendBody, usersBody } from './schemas.js';

/** What the handlers work with. */
export interface ServiceContext {
  host: EngineHost;
  state: ServingState;
  options: ServiceOptions;
  metrics: ServiceMetrics;
  live: LiveStats;
  /** Takes part of the requests down; absent where nothing is logged. */
  funnel: FunnelRecorder | undefined;
}

/** One route of the API. The OpenAPI document and the tests of roles are made from these. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With `:key` for a parameter. */
  path: string;
  role: 'read' | 'write';
  summary: string;
  body?: z.ZodType;
  answer?: z.ZodType;
  /** Whether the body may be a binary frame too. */
  frames?: true;
  handle(context: ServiceContext, request: FastifyRequest, reply: FastifyReply): Promise<unknown> | unknown;
}

export const JSON_TYPE = 'application/json; charset=utf-8';

/** Changes answer with how many rows they took over, and have a limit of rows. */
function change<S extends z.ZodType>(
  route: Pick<Route, 'method' | 'path' | 'summary'> & {
    body: S;
    rows: (body: z.output<S>) => readonly unknown[];
    apply: (context: ServiceContext, body: z.output<S>) => Promise<{ applied: number; ignored: number }>;
  },
): Route {
  const { method, path, summary, body: schema, rows, apply } = route;
  return {
    method,
    path,
    role: 'write',
    summary,
    body: schema,
    answer: changeAnswer,
    async handle(context, request) {
      const body = validBody(schema, request.body);
      const count = rows(body).length;
      const most = context.options.limits.rows;
      if (count > most) throw new Problem('BODY_INVALID', `${count} rows, at most ${most} are taken at once`);
      if (!context.host.ready()) throw new Problem('NOT_READY', 'no version is loaded yet');
      const report = await apply(context, body);
      context.metrics.change(`${method} ${path}`, report);
      return report;
    },
  };
}

export const ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/recommend',
    role: 'read',
    summary: 'the best items for a user, through all phases of the cascade',
    body: recommendBody,
    answer: recommendAnswer,
    async handle({ host, metrics, live, funnel }, request, { raw }) {
      const { version, ...asked } = validBody(recommendBody, request.body);
      // Not passed on where it is not asked for: the engine keeps users' states for requests that are made now.
      const time = asked.time ?? Date.now() / 1000;
      // What is taken down needs every phase's scores, whether or not the client does.
      const sampled = funnel?.samples(request.id) === true;
      const explain = asked.explain === true || sampled;
      const answer = await host.recommend({ ...asked, explain }, version, () => !raw.destroyed);
      if (sampled) funnel!.record({ id: request.id, time, request: asked, answer });
      if (asked.explain !== true) delete answer.explain;
      metrics.answer('recommend', request.id, answer, answer.items.length);
      live.answer('recommend', asked.user === undefined ? undefined : String(asked.user), answer);
      return recommendReply(request.id, answer);
    },
  },
  {
    method: 'POST',
    path: '/v1/rank',
    role: 'read',
    summary: 'orders the items given, by one phase',
    body: rankBody,
    answer: rankAnswer,
    frames: true,
    async handle({ host, metrics, live }, request, reply) {
      const framed = request.body instanceof Uint8Array;
      const { version, ...asked } = framed ? rankFrame(request.body as Uint8Array) : validBody(rankBody, request.body);
      const answer = await host.rank(asked, version, () => !reply.raw.destroyed);
      metrics.answer('rank', request.id, answer, answer.order.length);
      live.answer('rank', asked.user === undefined ? undefined : String(asked.user), answer);
      const { accept = '' } = request.headers;
      const wantsFrame = accept.includes(FRAME_TYPE) || (framed && !accept.includes('application/json'));
      if (!wantsFrame) {
        reply.type(JSON_TYPE);
        return rankReply(request.id, asked.candidates, answer);
      }
      reply.type(FRAME_TYPE);
      return Buffer.from(rankFrameReply(request.id, answer).buffer);
    },
  },
  change({
    method: 'PUT',
    path: '/v1/items',
    summary: 'adds or replaces items; they can be retrieved when the answer comes, and are durable',
    body: itemsBody,
    rows: ({ items }) => items,
    apply: ({ state, host }, { items }) => state.putItems(items, host),
  }),
  change({
    method: 'DELETE',
    path: '/v1/items',
    summary: 'removes items',
    body: keysBody,
    rows: ({ keys }) => keys,
    apply: ({ state, host }, { keys }) => state.deleteItems(keys, host),
  }),
  change({
    method: 'PUT',
    path: '/v1/users',
    summary: 'adds users or replaces their columns; their histories stay',
    body: usersBody,
    rows: ({ users }) => users,
    apply: ({ state, host }, { users }) => state.putUsers(users, host),
  }),
  change({
    method: 'DELETE',
    path: '/v1/users',
    summary: 'removes users and their histories',
    body: keysBody,
    rows: ({ keys }) => keys,
    apply: ({ state, host }, { keys }) => state.deleteUsers(keys, host),
  }),
  change({
    method: 'POST',
    path: '/v1/events',
    summary: 'feedback of users on items; histories grow at once',
    body: eventsBody,
    rows: ({ events }) => events,
    apply: async ({ state, host, metrics }, { events }) => {
      const received = Date.now();
      const stored = events.map(({ user, item, time = received / 1000, feedback, requestId }) => ({
        user: String(user),
        item: String(item),
        time,
        feedback,
        received,
        ...(requestId !== undefined && { requestId }),
      }));
      const report = await state.addEvents(stored, host);
      for (const { requestId, feedback } of stored) metrics.feedbackOn(requestId, feedback);
      return report;
    },
  }),
  {
    method: 'POST',
    path: '/v1/items/lookup',
    role: 'read',
    summary: 'what is known of items; those that are not known are left out',
    body: lookupBody,
    answer: lookupAnswer,
    handle({ host }, request) {
      const { keys } = validBody(lookupBody, request.body);
      return { items: keys.map((key) => host.item(key)).filter((item) => item !== undefined) };
    },
  },
  {
    method: 'GET',
    path: '/v1/items/:key',
    role: 'read',
    summary: 'what is known of an item',
    answer: itemAnswer,
    handle: ({ host }, request) => found(host.item(keyOf(request)), 'item', request),
  },
  {
    method: 'GET',
    path: '/v1/users/:key',
    role: 'read',
    summary: 'what is known of a user, with histories',
    answer: userAnswer,
    handle: ({ host }, request) => userReply(found(host.user(keyOf(request)), 'user', request)),
  },
  {
    method: 'GET',
    path: '/v1/versions',
    role: 'read',
    summary: 'the versions that answer, with their offline metrics and share of the users, and those that were refused',
    handle: ({ host }) => ({ live: host.live(), refused: host.refused() }),
  },
  {
    method: 'GET',
    path: '/v1/stats',
    role: 'read',
    summary: 'throughput, latency and funnel of the last quarter of an hour, as the dashboard shows them',
    handle: ({ live, host }) => ({ ready: host.ready(), ...live.snapshot() }),
  },
  {
    method: 'GET',
    path: '/metrics',
    role: 'read',
    summary: 'metrics in the format of Prometheus',
    async handle({ metrics: { registry } }, _, reply) {
      reply.type(registry.contentType);
      return registry.metrics();
    },
  },
];

function keyOf(request: FastifyRequest): Key {
  return (request.params as { key: string }).key;
}

function found<T>(value: T | undefined, what: string, request: FastifyRequest): T {
  if (value === undefined)
    throw new Problem('NOT_FOUND', `there is no ${what} ${JSON.stringify(keyOf(request)).slice(0, 200)}`);
  return value;
}
