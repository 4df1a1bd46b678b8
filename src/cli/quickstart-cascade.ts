import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { readCascade } from '../cascade/config.js';
import { evaluateCascade, type FunnelReport } from '../cascade/evaluate.js';
import { mineCandidates } from '../cascade/mine.js';
import { writeReport } from '../cascade/report/write.js';
import type { Dataset } from '../data/dataset.js';
import { packagePath } from '../package-root.js';
import { readConfig } from '../runs/read-config.js';
import type { RunResult } from '../runs/train.js';
import { withCascade } from './cascade.js';
import { count } from './format.js';
import type { Output } from './output.js';
import { trainWatched } from './train.js';

/** Retrieval ends earlier than the other runs, so that it may find candidates for the days that follow. */
const EARLY = { by: 'date', trainUntil: 20220502, validationUntil: 20220503 };

/** What `quickstart` leaves below its folder. */
export const QUICKSTART = {
  rank: 'rank',
  retrieve: 'retrieve',
  candidates: 'candidates.parquet',
  prerank: 'prerank',
  cascade: 'cascade.yaml',
  report: 'report',
} as const;

export interface QuickstartResult {
  dataset: Dataset;
  runs: Record<'rank' | 'retrieve' | 'prerank', RunResult>;
  report: FunnelReport;
}

/** A ranker, a retrieval run, candidates it mines, a pre-ranker that learns from both, and the report of the funnel. */
export async function trainCascade(out: string, output: Output): Promise<QuickstartResult> {
  const { bold } = output.stderrColors;
  const step = (number: number, what: string) => output.note(bold(`${number}/5 ${what}`));
  const train = (
    config: string,
    name: 'rank' | 'retrieve' | 'prerank',
    set: Record<string, unknown>,
    data?: Dataset,
  ) => {
    const assignments = Object.entries(set).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    const read = readConfig(packagePath('configs', config), assignments);
    return trainWatched(read, join(out, QUICKSTART[name]), false, output, data && { dataset: data });
  };

  step(1, 'a ranker: DCN-V2 over all fields, from what was shown');
  const once = { 'training.epochs': 1, 'training.validation.perEpoch': 1 };
  const rank = await train('dcn-v2-kuairand.yaml', 'rank', once);
  const { dataset } = rank;

  step(2, 'retrieval: YouTube’s candidate generation, on the log until 3 May alone');
  const retrieve = await train('youtube-dnn-kuairand.yaml', 'retrieve', {
    'training.epochs': 2,
    'training.validation.patience': 2,
    'data.split': EARLY,
  });
  const file = join(out, QUICKSTART.cascade);
  const loaded = (data: { split?: unknown }) => (data.split === undefined ? dataset : retrieve.dataset);
  const cascade = {
    data: 'kuairand-pure',
    retrieve: { run: QUICKSTART.retrieve, items: 500 },
    prerank: { run: QUICKSTART.prerank, items: 100 },
    rank: { run: QUICKSTART.rank, items: 20 },
    evaluation: { requests: 1000, timed: 100 },
    mine: { items: 16, requests: 15_000 },
  };
  await writeFile(file, stringify(cascade));

  step(3, 'candidates: what retrieval finds for requests of the days after');
  const { prerank: _, rank: __, ...mining } = readCascade(file);
  const candidates = join(out, QUICKSTART.candidates);
  const mined = await withCascade(mining, { loaded }, output, (opened, progress) =>
    mineCandidates(opened, candidates, (done) => progress.update(() => `mining  ${Math.floor(done * 100)} %`, done)),
  );
  output.note(`${count(mined.candidates)} candidates for ${count(mined.requests.mined)} requests`);

  step(4, 'a pre-ranker: two towers that learn from clicks, candidates, random videos and the ranker');
  const prerank = await train(
    'dssm-cascade-kuairand.yaml',
    'prerank',
    {
      'training.validation.perEpoch': 1,
      'training.lists.candidates': 8,
      'training.lists.candidateFile': candidates,
      'training.teacher': { run: join(out, QUICKSTART.rank) },
    },
    dataset,
  );

  step(5, 'the funnel: 500 retrieved, 100 pre-ranked, 20 ranked');
  const report = await withCascade(readCascade(file), { loaded }, output, (opened, progress) =>
    evaluateCascade(opened, (what, done) => progress.update(() => `${what}  ${Math.floor(done * 100)} %`, done)),
  );
  await writeReport(report, join(out, QUICKSTART.report));
  return { dataset, runs: { rank, retrieve, prerank }, report };
}
