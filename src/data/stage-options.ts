import { z } from 'zod';
import { didYouMean } from '../errors.js';

const name = z.string().min(1);

/** The section `stages` of a dataset description. */
export const stageOptions = z.strictObject({
  names: z
    .array(name)
    .min(2)
    .max(255)
    .describe('in ascending order; the first is the corpus, of which nothing more is known'),
  shown: name.default('shown').describe('the first stage that means that the user saw the item'),
  column: name.optional().describe('column of the events that names the stage; without it every event was shown'),
  feedback: z
    .record(name, name)
    .default({})
    .describe('by stage above shown: the feedback column that lifts what was shown to it where it is above zero'),
});
export type StageOptions = z.output<typeof stageOptions>;

/** What does not fit together in a section `stages`; `feedback` are the names of the feedback there is. */
export function stageProblems(
  stages: StageOptions | undefined,
  feedback: readonly string[],
): { path: string[]; message: string }[] {
  if (stages === undefined) return [];
  const { names, shown, column, feedback: lifts } = stages;
  const problems: { path: string[]; message: string }[] = [];
  const refuse = (path: string[], message: string) => problems.push({ path, message });
  const must = (path: string[], value: string, known: readonly string[], what: string) => {
    if (!known.includes(value)) refuse(path, `there is no ${what} "${value}", ${didYouMean(value, known)}`);
  };
  must(['shown'], shown, names, 'stage');
  const twice = names.find((one, i) => names.indexOf(one) !== i);
  if (twice !== undefined) refuse(['names'], `the stage "${twice}" is named twice`);
  const seen = names.indexOf(shown);
  if (seen === 0) refuse(['shown'], 'the first stage is the corpus: name one below what was shown');
  for (const [stage, from] of Object.entries(lifts)) {
    must(['feedback', stage], stage, names, 'stage');
    must(['feedback', stage], from, feedback, 'feedback');
    const level = names.indexOf(stage);
    if (level >= 0 && level <= seen) refuse(['feedback', stage], `"${stage}" is not above "${shown}"`);
  }
  const unreached = names.find((one, i) => i > seen && !(one in lifts));
  if (column === undefined && seen >= 0 && unreached !== undefined) {
    refuse(['feedback'], `nothing lifts an event to "${unreached}": name its feedback column`);
  }
  return problems;
}
