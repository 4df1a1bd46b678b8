import { describe, expect, it } from 'vitest';
import { checkGradients } from '../finite-difference.js';
import { gradients, reachable } from '../gradient.js';
import type { Op } from '../tensor.js';
import { arithmeticCases } from '../testing/cases/arithmetic.js';
import { indexingCases } from '../testing/cases/indexing.js';
import { productCases } from '../testing/cases/products.js';
import { recurrenceCases } from '../testing/cases/recurrences.js';
import { reductionCases } from '../testing/cases/reductions.js';
import { shapeCases } from '../testing/cases/shapes.js';
import { unaryCases } from '../testing/cases/unary.js';
import { usedCases } from '../testing/cases/used.js';
import { flatten, type OpCase, realize, shapeOf } from '../testing/op-case.js';
import { run } from '../testing/run.js';
import { reduceSum } from './broadcast.js';
import * as exported from './index.js';

const cases = [
  ...arithmeticCases,
  ...unaryCases,
  ...shapeCases,
  ...reductionCases,
  ...productCases,
  ...indexingCases,
  ...recurrenceCases,
  ...usedCases,
];
// Random numbers have a test of their own: random-feeds.test.ts.
const ops = Object.entries(exported).filter(([name]) => name.endsWith('Op') && name !== 'randomOp') as [string, Op][];
function isDifferenced({ op, gradients }: OpCase): boolean {
  return op.gradient !== undefined && gradients === undefined;
}

describe.each(ops)('%s', (_, op) => {
  const own = cases.filter((candidate) => candidate.op === op);

  it('has a case with values, and one with differences if it has a gradient', () => {
    expect(own.filter(({ expected }) => expected !== undefined)).not.toHaveLength(0);
    const graded = own.filter((candidate) => candidate.gradients !== undefined || isDifferenced(candidate));
    if (op.gradient !== undefined) expect(graded).not.toHaveLength(0);
  });

  it.each(own)('$title', async (candidate) => {
    const { output, leaves, feeds } = realize(candidate.build);
    expect(reachable([output]).map((node) => node.op)).toContain(op);
    if (candidate.expected !== undefined) {
      const { data, shape } = (await run({ output }, feeds)).output!;
      expect(shape).toEqual(shapeOf(candidate.expected));
      for (const [i, value] of flatten(candidate.expected).entries()) {
        if (Number.isFinite(value)) expect(Number(data[i])).toBeCloseTo(value, 5);
        else expect(Number(data[i])).toBe(value);
      }
    }
    if (candidate.gradients !== undefined) {
      const found = gradients(reduceSum(output), leaves);
      for (const [i, wanted] of candidate.gradients.entries()) {
        const gradient = found[i];
        const data = gradient && (await run({ gradient }, feeds)).gradient!.data;
        for (const [j, value] of flatten(wanted).entries()) expect(Number(data?.[j] ?? 0)).toBeCloseTo(value, 5);
      }
    }
    if (isDifferenced(candidate)) await checkGradients(output, feeds);
  });
});
