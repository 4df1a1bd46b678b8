import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { TwoTowerError } from '../../errors.js';
import type { FeedArray, Feeds } from '../../schema.js';
import type { PartManifest } from '../manifest.js';

/** One ONNX file of a version in a session of its own. `run` blocks the calling thread while it computes. */
export class OnnxPart {
  private constructor(
    private readonly session: ort.InferenceSession,
    private readonly manifest: PartManifest,
  ) {}

  /** @throws SERVING_STORE when the file is no graph, or not the one of the manifest */
  static async load(folder: string, manifest: PartManifest, threads: number): Promise<OnnxPart> {
    const file = join(folder, manifest.file);
    let session: ort.InferenceSession;
    try {
      session = await ort.InferenceSession.create(file, {
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
        intraOpNumThreads: threads,
      });
    } catch (cause) {
      const [reason] = (cause as Error).message.split('\n');
      throw new TwoTowerError('SERVING_STORE', `${file} cannot be opened: ${reason}`, 'Publish again.');
    }
    const names = (tensors: readonly { name: string }[]) =>
      tensors
        .map(({ name }) => name)
        .sort()
        .join(', ');
    const wanted = names([...manifest.inputs, ...manifest.outputs]);
    const found = names([...session.inputNames, ...session.outputNames].map((name) => ({ name })));
    if (wanted !== found) {
      await session.release();
      throw new TwoTowerError(
        'SERVING_STORE',
        `${file} has the tensors ${found}; the manifest says ${wanted}`,
        'Publish again.',
      );
    }
    return new OnnxPart(session, manifest);
  }

  /** @param feeds all inputs; what else is there is left alone */
  async run(feeds: Feeds): Promise<Feeds> {
    const tensors: Record<string, ort.Tensor> = {};
    for (const { name, dtype } of this.manifest.inputs) {
      const { data, shape } = feeds[name]!;
      tensors[name] = new ort.Tensor(dtype as 'float32', data as Float32Array, shape);
    }
    const results = await this.session.run(tensors);
    const outputs: Feeds = {};
    for (const { name } of this.manifest.outputs) {
      const { data, dims } = results[name]!;
      outputs[name] = { data: data as FeedArray, shape: dims as number[] };
    }
    return outputs;
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
