import { TwoTowerError } from '../../../errors.js';
import { compilePart } from '../../../training/serving-graph.js';
import type { Run } from '../../open.js';
import type { SchemaPlan } from './schema.js';
import { type StateTensor, stateTensor } from './tensors.js';

export interface PlanOptions {
  /** The run that orders the second phase; the first one unless given. */
  second?: Run | undefined;
  keep: number;
  rerank: number;
}

/** What the schema of a run holds. @throws USAGE for what cannot be put as first or second phase */
export function schemaPlan(run: Run, { second = run, keep, rerank }: PlanOptions): SchemaPlan {
  if (rerank > keep) {
    throw new TwoTowerError(
      'USAGE',
      `the second phase cannot score ${rerank} documents where the first keeps ${keep}`,
      'Let the first keep as many or more.',
    );
  }
  const { query, key } = vectors(run);
  return {
    origin: originOf(run, second),
    query,
    key,
    inputs: scoreInputs(second, second === run ? 0 : 1),
    keep,
    rerank,
  };
}

/** The two vectors whose inner product is the first phase. */
function vectors({ folder, config, model, inference: { parts } }: Run): { query: StateTensor; key: StateTensor } {
  const { name } = config.model;
  const { retrieval } = model;
  if (retrieval === undefined) {
    throw new TwoTowerError(
      'USAGE',
      `${folder} is a ${name}, whose score is no inner product: Vespa has no first phase for it`,
      'Export a run that can retrieve, such as dssm or youtube-dnn, and give this one with --second.',
    );
  }
  const tensor = (side: 'user' | 'item', state: string) => {
    const input = `${side}.${state}`;
    const { dtype, shape } = parts[side][input]!;
    return stateTensor({ name: input, dtype, shape }, 0);
  };
  const query = tensor('user', retrieval.user);
  if (query.shape.length !== 1) {
    throw new TwoTowerError(
      'USAGE',
      `${folder} is a ${name} with ${query.shape[0]} vectors a user, where a nearest-neighbour search of Vespa takes one`,
      'Export it with --to parquet, or another model.',
    );
  }
  return { query, key: tensor('item', retrieval.item) };
}

/** What the score part reads. */
function scoreInputs({ inference: { parts, value } }: Run, run: number): StateTensor[] {
  return compilePart('score', parts, { embed: value }).inputs.map((input) => stateTensor(input, run));
}

function originOf(run: Run, second: Run): string {
  const named = ({ config, record }: Run) => `${config.model.name} on ${record.dataset}`;
  return second === run ? named(run) : `${named(run)}, second phase ${named(second)}`;
}
