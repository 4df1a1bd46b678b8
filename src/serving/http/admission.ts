import { Problem } from './problem.js';

/**
 * Counts requests under way and turns away what is too much, before a body is read: all together, and of one client, so that
 * one who floods the server leaves room for the others.
 */
export class Admission {
  private total = 0;
  private readonly clients = new Map<string, number>();
  private drained: (() => void) | undefined;

  constructor(private readonly limits: { concurrency: number; perClient: number }) {}

  get underWay(): number {
    return this.total;
  }

  /** @throws Problem OVERLOADED, CLIENT_LIMIT */
  enter(client: string): void {
    const own = this.clients.get(client) ?? 0;
    if (own >= this.limits.perClient) {
      throw new Problem('CLIENT_LIMIT', `${own} requests of this client are under way, which is the limit`);
    }
    if (this.total >= this.limits.concurrency) {
      throw new Problem('OVERLOADED', `${this.total} requests are under way, which is the limit`);
    }
    this.total++;
    this.clients.set(client, own + 1);
  }

  leave(client: string): void {
    this.total--;
    const own = this.clients.get(client)! - 1;
    if (own === 0) this.clients.delete(client);
    else this.clients.set(client, own);
    if (this.total === 0) this.drained?.();
  }

  /** Resolves when nothing is under way, or after `ms`; says whether it is the former. */
  async idle(ms: number): Promise<boolean> {
    if (this.total === 0) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.drained = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
