import { z } from 'zod';
import { didYouMean, TwoTowerError } from '../../errors.js';

/** What may stand behind the `?` of the address. */
export const redisOptions = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.:-]{1,100}$/, 'letters, digits and ._:- are allowed, up to 100')
    .default('twotower')
    .describe('first part of every key: stores that share a server need a name each'),
  events: z.coerce.number().int().min(1).default(5_000_000).describe('events that are kept; the oldest go first'),
  replicas: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('replicas of the server that must have a change before it is answered (WAIT)'),
});

export interface RedisAddress {
  /** The address for people: without user and password. */
  shown: string;
  tls: boolean;
  /** One, or some of the nodes of a cluster. */
  hosts: { host: string; port: number }[];
  username: string | undefined;
  password: string | undefined;
  database: number;
  options: z.output<typeof redisOptions>;
}

const FORM = 'redis[s]://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]…][/DATABASE][?name=NAME]';
const HOST = /^(\[[0-9a-f:.]+\]|[^[\]:/?#@\s]+)(?::(\d{1,5}))?$/i;

/**
 * Reads the address of a Redis or Valkey server, or of some nodes of a cluster. No message repeats the text: it may hold a password.
 *
 * @throws USAGE
 */
export function parseRedisUrl(text: string): RedisAddress {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text.trim()) ?? [];
  if (scheme === undefined || rest === undefined) throw unfit('it is no URL');
  const tls = scheme.toLowerCase() === 'rediss';
  if (!tls && scheme.toLowerCase() !== 'redis') throw unfit(`the scheme is "${scheme}"`);
  const [head, query] = splitAt(rest, '?');
  const [authority, path] = splitAt(head, '/');
  // What follows is told in errors, and must not be the rest of a password.
  if (rest.slice(authority.length).includes('@')) {
    throw unfit('an @ stands behind the host', 'In a password write / as %2F, ? as %3F and @ as %40.');
  }
  const at = authority.lastIndexOf('@');
  const [username, password] = at < 0 ? ['', undefined] : splitAt(authority.slice(0, at), ':');
  const hosts = authority
    .slice(at + 1)
    .split(',')
    .map(hostOf);
  const database = /^\d{0,5}$/.test(path ?? '') ? Number(path ?? 0) : undefined;
  if (database === undefined) throw unfit(`the database is "${path}", not a number`);
  const scheme_ = tls ? 'rediss' : 'redis';
  return {
    shown: `${scheme_}://${hosts.map(({ host, port }) => `${host}:${port}`).join(',')}/${database}`,
    tls,
    hosts,
    username: username === '' ? undefined : decoded(username, 'user'),
    password: password === undefined ? undefined : decoded(password, 'password'),
    database,
    options: optionsOf(query ?? ''),
  };
}

function hostOf(text: string): { host: string; port: number } {
  const [, host, digits] = HOST.exec(text) ?? [];
  if (host === undefined) {
    throw unfit(text === '' ? 'a host is missing' : 'a host is not of the form HOST:PORT');
  }
  const port = digits === undefined ? 6379 : Number(digits);
  if (port < 1 || port > 65_535) throw unfit(`the port is ${digits}`);
  return { host: host.replace(/^\[|\]$/g, ''), port };
}

function optionsOf(query: string): RedisAddress['options'] {
  const entries = [...new URLSearchParams(query)];
  const known = Object.keys(redisOptions.shape);
  const stranger = entries.find(([key]) => !known.includes(key));
  if (stranger !== undefined) throw unfit(`there is no option "${stranger[0]}"`, didYouMean(stranger[0], known));
  const parsed = redisOptions.safeParse(Object.fromEntries(entries));
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw unfit(`${path.join('.')}: ${message}`);
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw unfit(`the ${what} is not percent-encoded (write % as %25)`);
  }
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function unfit(what: string, hint = `It has the form ${FORM}.`): TwoTowerError {
  return new TwoTowerError('USAGE', `the address of the shared state: ${what}`, hint);
}
