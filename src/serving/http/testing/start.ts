import { mkdtemp, rm } from 'node:fs/promises';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import { onTestFinished } from 'vitest';
import type { EngineHost } from '../../contract.js';
import type { FunnelRecorder } from '../../funnel-log/recorder.js';
import { StateStore } from '../../store/state-store.js';
import { createKey, KeyRing } from '../keys.js';
import { serviceOptions } from '../options.js';
import { createService } from '../service.js';
import { FakeHost } from './fake-host.js';

export interface StartOptions {
  host?: EngineHost;
  limits?: Record<string, number>;
  timeouts?: Record<string, number>;
  /** Whether reading needs a key. */
  closed?: boolean;
  funnel?: FunnelRecorder;
  /** Nothing is logged unless given. */
  log?: Logger;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers
  json: any;
}

/**
 * A service on a free port of loopback with an engine of toys.
 *
 * @param atEnd registers its end: that of the test, or `afterAll` for one that several tests share
 */
export async function startService(
  {
    host = new FakeHost(),
    limits = {},
    timeouts = {},
    closed,
    funnel,
    log = pino({ level: 'silent' }),
  }: StartOptions = {},
  atEnd: (end: () => Promise<void>) => void = onTestFinished,
) {
  const folder = await mkdtemp(join(tmpdir(), 'twotower-'));
  const state = await StateStore.open(folder);
  const [reader, writer] = [createKey('reader', 'read'), createKey('writer', 'write')];
  const service = await createService({
    host,
    state,
    funnel,
    keys: new KeyRing([reader.entry, writer.entry], closed !== true),
    options: serviceOptions.parse({ port: 0, limits, timeouts }),
    log,
  });
  const url = await service.listen();
  atEnd(async () => {
    await service.drain();
    await state.close();
    await rm(folder, { recursive: true });
  });

  /** One request; an object goes as JSON, text and bytes as they are. */
  async function call(
    method: string,
    path: string,
    body?: unknown,
    { key, headers = {} }: { key?: string | undefined; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...headers,
      },
      ...(body !== undefined && { body: (raw ? body : JSON.stringify(body)) as string }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text,
      json: isJson && text !== '' ? JSON.parse(text) : undefined,
    };
  }

  return { service, host, state, url, call, readKey: reader.key, writeKey: writer.key };
}

/** A request that is written by hand. */
export function openRequest(url: string, path: string, headers: Record<string, string>): ClientRequest {
  const { hostname, port } = new URL(url);
  return httpRequest({ host: hostname, port, path, method: 'POST', headers, agent: false });
}
