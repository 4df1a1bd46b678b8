import type { Ranks } from '../ranks.js';

interface Round {
  method: string;
  given: unknown[];
  come: number;
  finish: (result: unknown[]) => void;
  fail: (error: Error) => void;
  done: Promise<unknown[]>;
}

/** Ranks within one process that wait for one another, for tests. A rank that calls another method than the rest fails them all. */
export function lockstep(size: number): Ranks[] {
  let round: Round | undefined;

  /** What every rank gave, once all have come. */
  async function meet<T>(rank: number, method: string, given: T): Promise<T[]> {
    round ??= newRound(method, size);
    const here = round;
    if (here.method !== method) {
      const error = new Error(`rank ${rank} calls ${method} where others call ${here.method}`);
      here.fail(error);
      throw error;
    }
    here.given[rank] = given;
    here.come++;
    if (here.come === size) {
      round = undefined;
      here.finish(here.given);
    }
    return (await here.done) as T[];
  }

  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    async sum(values) {
      const all = await meet(rank, 'sum', values.slice());
      values.fill(0);
      for (const addend of all) {
        if (addend.length !== values.length)
          throw new Error(`ranks add up ${addend.length} and ${values.length} values`);
        for (let i = 0; i < values.length; i++) values[i]! += addend[i]!;
      }
    },
    async gather(own, lengths, into) {
      const all = await meet(rank, 'gather', own.slice());
      all.forEach(({ length }, r) => {
        if (length !== lengths[r]) throw new Error(`rank ${r} has ${length} bytes, ${lengths[r]} were said`);
      });
      into.set(Buffer.concat(all));
    },
    async swap(parts) {
      const all = await meet(
        rank,
        'swap',
        parts.map((part) => part.slice()),
      );
      return all.map((others) => others[rank]!);
    },
    async broadcast(bytes) {
      const all = await meet(rank, 'broadcast', bytes?.slice());
      return all[0]!.slice();
    },
    async leave() {
      await meet(rank, 'leave', undefined);
    },
    abort(exitCode) {
      throw new Error(`rank ${rank} ends all with ${exitCode}`);
    },
  }));
}

function newRound(method: string, size: number): Round {
  let finish: Round['finish'] = () => {};
  let fail: Round['fail'] = () => {};
  const done = new Promise<unknown[]>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  done.catch(() => {});
  return { method, given: new Array(size), come: 0, finish, fail, done };
}

/** Runs the same on every rank, as `mpirun` would; the results by rank. */
export async function onRanks<T>(size: number, work: (ranks: Ranks) => Promise<T>): Promise<T[]> {
  return Promise.all(lockstep(size).map(work));
}
