import { checkGradients as compare } from '../../graph/finite-difference.js';
import { Build, reachable, type Tensor } from '../../graph/index.js';
import type { Feeds } from '../../schema.js';
import { parameterFeeds, type RunOptions } from './run.js';

export interface GradientCheckOptions extends RunOptions {
  /** Names of the leaves to differentiate with respect to; every float feed and parameter where absent. */
  wrt?: readonly string[];
}

/** Compares gradients with central differences through ONNX Runtime, and throws where they differ. */
export async function checkGradients(
  make: () => Tensor,
  feeds: Feeds,
  options: GradientCheckOptions = {},
): Promise<void> {
  const { training = false, parameters, wrt } = options;
  const build = new Build(training);
  const output = build.run(make);
  const leaves = wrt && reachable([output]).filter(({ attributes }) => wrt.includes(attributes.name));
  await compare(output, { ...feeds, ...parameterFeeds(build, parameters) }, leaves && { leaves });
}
