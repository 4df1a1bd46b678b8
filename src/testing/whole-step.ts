import { assembleBatch } from '../data/batches.js';
import { trainingOptions } from '../training/config.js';
import { type StepReport, Trainer } from '../training/trainer.js';
import { shake, type ToyModel } from './toy-model.js';

export interface WholeStep {
  /** What a training step over the whole training part reports. */
  report: StepReport;
  /** The served logits of the same pairs with the parameters as they were before it, and their labels. */
  logits: Float32Array;
  labels: Float32Array;
}

/** Takes one step from arbitrary parameters, which stay the model's source. */
export async function wholeStep(model: ToyModel): Promise<WholeStep> {
  const { dataset, inference, parts } = model;
  const { train } = dataset.splits;
  const options = trainingOptions.parse({ batchSize: train.length, epochs: 1, idDropout: 0 });
  const trainer = await Trainer.create(parts, dataset, options, { threads: 1 });
  shake(trainer.store);
  model.source = trainer.store;
  const { feeds } = assembleBatch(dataset, train);
  const [users, items] = [await inference.users(feeds), await inference.items(feeds)];
  const rows = (side: string) => feeds[`pair.${side}`]!.data as Int32Array;
  const logits = await inference.pairs(users, items, rows('request'), rows('item'));
  const report = await trainer.next();
  await trainer.release();
  return { report, logits, labels: feeds['pair.label']!.data as Float32Array };
}
