import { z } from 'zod';

const count = (of: number, about: string) => z.int().positive().default(of).describe(about);

/** How the service listens and what it lets through. Every limit has a default. */
export const serviceOptions = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('address to listen on; another than loopback needs keys'),
  port: z.int().min(0).max(65_535).default(8080).describe('0 takes a free one'),
  limits: z
    .strictObject({
      bodyBytes: count(2 ** 20, 'body of a reading request'),
      writeBytes: count(8 * 2 ** 20, 'body of a change'),
      rows: count(10_000, 'rows of one change'),
      connections: count(2_048, 'connections at once; one more is closed at once'),
      concurrency: count(256, 'requests under way; one more is answered 503'),
      perClient: count(192, 'requests under way of one API key, or address without keys; one more is answered 429'),
    })
    .prefault({})
    .describe('what is too much'),
  timeouts: z
    .strictObject({
      headersMs: count(5_000, 'until the headers of a request are there'),
      requestMs: count(15_000, 'until the whole request is there'),
      idleMs: count(20_000, 'without a byte in either direction, a request under way or a client that does not read'),
      keepAliveMs: count(65_000, 'between two requests of a connection'),
      drainMs: count(10_000, 'for requests under way after SIGTERM, before connections are cut'),
    })
    .prefault({})
    .describe('how long is too long'),
});

export type ServiceOptions = z.output<typeof serviceOptions>;
