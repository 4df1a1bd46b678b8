import { Agent, request } from 'node:http';
import { percentiles } from './serve-load.js';

/** Servers that requests are spread over; one that is known to be gone gets none. */
export class Balancer {
  private turn = 0;
  private readonly gone = new Set<number>();
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 256 });
  /** Requests that every server has at this moment. */
  readonly underWay: number[];

  constructor(
    readonly urls: string[],
    private readonly key: string,
  ) {
    this.underWay = urls.map(() => 0);
  }

  /** From now on gets nothing, or again something, at its new address. */
  take(at: number): void {
    this.gone.add(at);
  }

  give(at: number, url: string): void {
    this.urls[at] = url;
    this.gone.delete(at);
  }

  /** @returns status and text of the answer of the next server in turn, or of the one named; status 0 where the connection broke */
  async send(
    method: string,
    path: string,
    body: unknown,
    to?: number,
  ): Promise<{ status: number; text: string; at: number }> {
    let at = to ?? this.turn++ % this.urls.length;
    if (to === undefined) while (this.gone.has(at)) at = this.turn++ % this.urls.length;
    this.underWay[at]!++;
    const url = new URL(path, this.urls[at]);
    const text = JSON.stringify(body);
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      authorization: `Bearer ${this.key}`,
    };
    return new Promise<{ status: number; text: string; at: number }>((resolve) => {
      const broken = () => resolve({ status: 0, text: '', at });
      const sent = request(url, { agent: this.agent, method, headers }, (response) => {
        let got = '';
        response.on('data', (data) => {
          got += data;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: got, at }));
        response.on('error', broken);
      });
      sent.on('error', broken);
      sent.end(text);
    }).finally(() => {
      this.underWay[at]!--;
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

export interface Tally {
  /** Reading requests: answered with 200, with something else, not answered. */
  ok: number;
  refused: number;
  failed: number;
  /** Of those with 200, how many said that they may be old. */
  stale: number;
  /** Milliseconds from when a request was due. */
  p50: number;
  p99: number;
  max: number;
}

/** Recommendations at a steady rate until the work is done, spread over the servers. */
export async function recommendWhile(balancer: Balancer, perSecond: number, work: () => Promise<void>): Promise<Tally> {
  const counts = { ok: 0, refused: 0, failed: 0, stale: 0 };
  const times: number[] = [];
  let isDone = false;
  const done = work().finally(() => {
    isDone = true;
  });
  const pending: Promise<void>[] = [];
  const started = performance.now();
  for (let i = 0; !isDone; i++) {
    const due = started + (1000 * i) / perSecond;
    const wait = due - performance.now();
    if (wait > 0.5) await new Promise((resolve) => setTimeout(resolve, wait));
    const body = { user: i * 37, k: 20, context: { surface: `p${i % 3}` } };
    pending.push(
      balancer.send('POST', '/v1/recommend', body).then(({ status, text }) => {
        times.push(performance.now() - due);
        counts[status === 200 ? 'ok' : status === 0 ? 'failed' : 'refused']++;
        if (text.includes('"stale":')) counts.stale++;
      }),
    );
  }
  await done;
  await Promise.all(pending);
  return { ...counts, ...percentiles(times) };
}
