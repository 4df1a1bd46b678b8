import { Build, compile, input, type Parameter, Program, type Shape, type Tensor } from '../../graph/index.js';
import { Random } from '../../random.js';
import type { Feed, Feeds } from '../../schema.js';

export interface RunOptions {
  training?: boolean;
  /** Values of parameters; the others are initialised from a fixed seed. */
  parameters?: Record<string, readonly number[]>;
}

export interface Result {
  shape: readonly number[];
  values: number[];
}

/** Values for all parameters of a build, as feeds. */
export function parameterFeeds(build: Build, given: Record<string, readonly number[]> = {}): Feeds {
  const unknown = Object.keys(given).filter((name) => !build.parameters.has(name));
  if (unknown.length > 0)
    throw new Error(`no parameter ${unknown.join(', ')} among ${[...build.parameters.keys()].join(', ')}`);
  const value = ({ name, shape, initialize }: Parameter): Feed => ({
    data: given[name] === undefined ? initialize(shape, Random.of(1, name)) : Float32Array.from(given[name]),
    shape: [...shape],
  });
  return Object.fromEntries([...build.parameters.values()].map((parameter) => [parameter.name, value(parameter)]));
}

/** Builds a graph, runs it once through ONNX Runtime and returns its outputs. */
export async function run<Name extends string>(
  make: () => Record<Name, Tensor>,
  feeds: Feeds = {},
  { training = false, parameters }: RunOptions = {},
): Promise<Record<Name, Result>> {
  const build = new Build(training);
  const outputs = build.run(make);
  const program = await Program.load(compile('test', outputs), { threads: 1 });
  const results = await program.call({ ...feeds, ...parameterFeeds(build, parameters) }, Random.of(1));
  await program.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data, shape }]) => [name, { shape, values: Array.from(data, Number) }]),
  ) as Record<Name, Result>;
}

/** Runs a graph with one output and returns its values. */
export async function valuesOf(make: () => Tensor, feeds: Feeds = {}, options: RunOptions = {}): Promise<number[]> {
  return (await run(() => ({ y: make() }), feeds, options)).y.values;
}

/** A float32 input; the sizes that are names stay open until the run. */
export const x = (name: string, ...shape: Shape): Tensor => input(name, shape);
