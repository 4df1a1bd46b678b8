import { TwoTowerError } from '../errors.js';
import { bestStep, type Checkpoint, loadCheckpoint, loadLatest } from '../training/checkpoints.js';

/**
 * The checkpoint a run is used with: the best one; where it is damaged or none was chosen yet, the newest intact one, which is
 * told to `warn`.
 *
 * @throws RUN_INVALID when there is no checkpoint, CHECKPOINT_DAMAGED when none is intact
 */
export async function loadBest(folder: string, warn: (message: string) => void): Promise<Checkpoint> {
  let best: number | undefined;
  try {
    best = await bestStep(folder);
    if (best !== undefined) return await loadCheckpoint(folder, best);
  } catch (error) {
    if (!(error instanceof TwoTowerError)) throw error;
    warn(error.message);
  }
  const checkpoint = await loadLatest(folder, (error) => {
    if (best === undefined || !error.message.includes(`step-${String(best).padStart(8, '0')}`)) warn(error.message);
  });
  warn(
    `${best === undefined ? 'no checkpoint was chosen as the best' : 'the best checkpoint is not usable'}: using that of step ${checkpoint.step}`,
  );
  return checkpoint;
}
