import type { Feeds } from '../../schema.js';
import { StateGatherer } from '../engine/gather.js';
import { capacityOf, type SharedStates } from '../engine/item-states.js';
import type { OnnxPart } from '../engine/onnx-part.js';
import type { PartManifest } from '../manifest.js';
import type { CompiledScore } from './compiled-score.js';
import { ScoreKernel } from './score-kernel.js';

/** Items whose scores are compared. */
const COMPARED = 33;
/** As scores of a version may differ from those of its runs. */
const TOLERANCE = 1e-5;

/**
 * The score part of a phase as one function, compared with what ONNX Runtime makes of it.
 *
 * @param session of the same part
 * @returns undefined where the part stays with ONNX Runtime: the processor has no vectors, or the scores differ
 */
export async function openKernel(
  compiled: CompiledScore,
  part: PartManifest,
  states: SharedStates,
  session: OnnxPart,
): Promise<ScoreKernel | undefined> {
  let kernel: ScoreKernel;
  try {
    kernel = ScoreKernel.create(compiled);
  } catch {
    return undefined;
  }
  const count = Math.min(COMPARED, capacityOf(states));
  const rows = Int32Array.from({ length: count }, (_, row) => row);
  const user: Feeds = {};
  for (const { name, shape } of part.inputs) {
    const size = shape.reduce<number>((product, one) => product * Number(one), 1);
    // Any numbers do; these are all different, and as large as states are.
    if (!(name in states.layout))
      user[name] = { data: Float32Array.from({ length: size }, (_, i) => Math.sin(i + 1)), shape: shape as number[] };
  }
  const feeds = { ...user };
  const names = part.inputs.map(({ name }) => name).filter((name) => name in states.layout);
  new StateGatherer().gather(states, names, rows, count, feeds);
  const wanted = (await session.run(feeds)).logit!.data;
  const found = new Float32Array(count);
  kernel.score(user, states, rows, count, found);
  const isSame = found.every(
    (score, i) => Math.abs(score - wanted[i]!) <= TOLERANCE * Math.max(1, Math.abs(wanted[i]!)),
  );
  return isSame ? kernel : undefined;
}
