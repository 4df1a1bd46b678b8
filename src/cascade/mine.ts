import type { Dataset } from '../data/dataset.js';
import { candidateStages } from '../data/levels.js';
import { didYouMean, TwoTowerError } from '../errors.js';
import { Random } from '../random.js';
import { type CandidateRow, writeCandidates } from './candidate-file.js';
import { usersOnce } from './collect.js';
import type { CascadeConfig } from './config.js';
import type { Cascade } from './open.js';
import { bestPositions, take } from './order.js';
import { drawRequests, requestsOf, selectRequests } from './requests.js';
import { retrieve } from './retrieve.js';

/** Requests that are mined side by side. */
const REQUEST_BLOCK = 64;

/** What `cascade mine` did. */
export interface MineReport {
  file: string;
  /** Requests of the training part, and what became of them. */
  requests: {
    total: number;
    /** Left out: a run that mines had seen them, or things that happened after them. */
    seen: number;
    mined: number;
  };
  candidates: number;
  /** Requests whose candidates have no teacher score, though there is a rank run, because that run had seen them. */
  untaught: number;
  /** Time of the last event that retrieval and pre-ranking saw, in seconds since 1970. */
  seenUntil: number;
}

/**
 * Finds candidates for the requests of the training part and writes them with the rank run's logits as teacher scores. Strictly
 * causal: no run says anything about a request at or before the last event it saw.
 *
 * @throws CONFIG_INVALID where the dataset has no such stage, DATA_SPLIT where no request is later than what the runs saw
 */
export async function mineCandidates(
  cascade: Cascade,
  file: string,
  onProgress: (done: number) => void = () => {},
): Promise<MineReport> {
  const { config, dataset, phases } = cascade;
  const { mine } = config;
  const { stage, survivorStage } = stagesOf(config, dataset);
  const { time } = dataset.events;
  const all = requestsOf(dataset, dataset.splits.train, config.window);
  const { retrieve: seenByRetrieval, prerank: seenByPrerank = Number.NEGATIVE_INFINITY } = cascade.seenUntil;
  const seenUntil = mine.survivors > 0 ? Math.max(seenByRetrieval, seenByPrerank) : seenByRetrieval;
  const unseen = selectRequests(all, (q) => time[all.event[q]!]! > seenUntil);
  if (unseen.event.length === 0) {
    throw new TwoTowerError(
      'DATA_SPLIT',
      `${dataset.name}: none of the ${all.event.length} requests of the training part is later than ${new Date(seenUntil * 1e3).toISOString()}, until when the runs saw the log`,
      'Train the runs that mine with an earlier data.split, such as --set data.split="{ train: 0.4, validation: 0.05 }".',
    );
  }
  const { event } = drawRequests(unseen, mine.requests, mine.seed);
  const { seenUntil: seen } = cascade;
  const taught = (row: number) => phases.rank !== undefined && time[row]! > seen.rank!;
  let written = 0;

  async function* rows(): AsyncGenerator<CandidateRow[]> {
    for (let from = 0; from < event.length; from += REQUEST_BLOCK) {
      const block = event.slice(from, from + REQUEST_BLOCK);
      const found = await mineBlock(cascade, block);
      const teacher = phases.rank && (await phases.rank.order(await found.users(phases.rank), found.items));
      const n = found.items.length / block.length;
      yield Array.from(found.items, (item, i): CandidateRow => {
        const row = block[Math.floor(i / n)]!;
        return {
          event: row,
          item: dataset.items.keys[item]!,
          stage: i % n < found.survivors ? survivorStage : stage,
          rank: found.ranks[i]!,
          score: found.scores[i]!,
          teacher: teacher !== undefined && taught(row) ? teacher[i]! : undefined,
        };
      });
      written += found.items.length;
      onProgress(Math.min(1, (from + block.length) / event.length));
    }
  }

  await writeCandidates(file, rows(), {
    dataHash: dataset.logHash,
    dataset: dataset.name,
    retrieve: config.retrieve.run,
    ...(config.prerank && mine.survivors > 0 && { prerank: config.prerank.run }),
    ...(config.rank && { teacher: config.rank.run }),
    seenUntil,
  });
  return {
    file,
    requests: { total: all.event.length, seen: all.event.length - unseen.event.length, mined: event.length },
    candidates: written,
    untaught: phases.rank === undefined ? 0 : event.filter((row) => !taught(row)).length,
    seenUntil,
  };
}

/** What candidates are called. @throws CONFIG_INVALID */
function stagesOf({ mine }: CascadeConfig, dataset: Dataset): { stage: string; survivorStage: string } {
  const known = candidateStages(dataset);
  const checked = (key: string, named: string | undefined, usual: string | undefined): string => {
    const stage = named ?? usual;
    if (stage !== undefined && known.includes(stage)) return stage;
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `mine.${key}: ${dataset.name} has no stage "${stage ?? ''}" between the corpus and "${dataset.stages[dataset.shown]}", ${didYouMean(stage ?? '', known)}`,
      'Name one that it has, or add one to its description.',
    );
  };
  const stage = checked('stage', mine.stage, known[0]);
  return {
    stage,
    survivorStage: checked('survivorStage', mine.survivorStage, known[known.indexOf(stage) + 1] ?? stage),
  };
}

/** The candidates of some requests: of each first what survives pre-ranking, then what was only retrieved. */
async function mineBlock({ config, phases }: Cascade, events: Uint32Array) {
  const { items: wanted, pick, survivors: wantedSurvivors, seed } = config.mine;
  const users = usersOnce(events);
  const found = await retrieve(phases.retrieve, await users(phases.retrieve), config.retrieve.items);
  const { n } = found;
  const survivors = Math.min(wantedSurvivors, n);
  const kept = Math.min(wanted, n - survivors);
  let best = new Int32Array(0);
  let prerank: Float32Array | undefined;
  if (survivors > 0) {
    const phase = phases.prerank!;
    prerank = await phase.score(await users(phase), found.items);
    best = bestPositions(found.items, prerank, n, survivors) as Int32Array<ArrayBuffer>;
  }
  const each = survivors + kept;
  const positions = new Int32Array(events.length * each);
  const ranks = new Int32Array(positions.length);
  const scores = new Float32Array(positions.length);
  for (let b = 0; b < events.length; b++) {
    const kept1 = best.subarray(b * survivors, (b + 1) * survivors);
    const others = Array.from({ length: n }, (_, position) => position).filter((position) => !kept1.includes(position));
    // The order of retrieval is kept, so that what was drawn from a list does not depend on how it was drawn.
    if (pick === 'random') Random.of(seed, 'mined', events[b]!).shuffle(others);
    const drawn = others.slice(0, kept).sort((a, c) => a - c);
    [...kept1, ...drawn].forEach((position, i) => {
      const at = b * each + i;
      positions[at] = position;
      ranks[at] = i < survivors ? i : position;
      scores[at] = (i < survivors ? prerank! : found.scores)[b * n + position]!;
    });
  }
  return { users, items: take(found.items, n, positions, each), ranks, scores, survivors };
}
