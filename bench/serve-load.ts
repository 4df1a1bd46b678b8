import { Agent, request } from 'node:http';

/** One request that is sent again and again, already written out. */
export interface Shot {
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

export interface Latencies {
  /** Milliseconds. */
  p50: number;
  p99: number;
  max: number;
  /** Requests that were answered with 200, with something else, and those that were not answered. */
  ok: number;
  refused: number;
  failed: number;
}

/** Sends and reads to the end without looking at the bytes. @returns the status, 0 where the connection broke */
function fire(agent: Agent, url: URL, { path, headers, body }: Shot): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(
      {
        agent,
        host: url.hostname,
        port: url.port,
        path,
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', () => resolve(0));
      },
    );
    sent.on('error', () => resolve(0));
    sent.end(body);
  });
}

/**
 * Requests at a fixed rate, whether or not the server keeps up. Latency counts from the moment at which a request was due: a
 * server that stands still for a while is charged for everybody who waited.
 */
export async function atRate(
  url: string,
  shots: readonly Shot[],
  perSecond: number,
  seconds: number,
): Promise<Latencies> {
  const agent = new Agent({ keepAlive: true, maxSockets: 512 });
  const target = new URL(url);
  const times: number[] = [];
  const counts = { ok: 0, refused: 0, failed: 0 };
  const started = performance.now();
  const total = Math.round(perSecond * seconds);
  const pending: Promise<void>[] = [];
  for (let i = 0; i < total; i++) {
    const due = started + (1000 * i) / perSecond;
    const wait = due - performance.now();
    // A timer is due on whole milliseconds at the earliest; what is due already goes at once.
    if (wait > 0.5) await new Promise((resolve) => setTimeout(resolve, wait));
    pending.push(
      fire(agent, target, shots[i % shots.length]!).then((status) => {
        times.push(performance.now() - due);
        counts[status === 200 ? 'ok' : status === 0 ? 'failed' : 'refused']++;
      }),
    );
  }
  await Promise.all(pending);
  agent.destroy();
  return { ...percentiles(times), ...counts };
}

/** Requests over so many connections, each sending its next one when the last was answered. @returns answers per second */
export async function saturated(
  url: string,
  shots: readonly Shot[],
  connections: number,
  seconds: number,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const target = new URL(url);
  const end = performance.now() + 1000 * seconds;
  let answered = 0;
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      for (let i = connection; performance.now() < end; i++) {
        if ((await fire(agent, target, shots[i % shots.length]!)) === 200) answered++;
      }
    }),
  );
  agent.destroy();
  return answered / seconds;
}

export function percentiles(times: number[]): Pick<Latencies, 'p50' | 'p99' | 'max'> {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
