import { cut, deviation, joined, repeated, reshaped, transposed, within } from './axes.js';
import { elementwise, negation, product, quotient, type Rule, sum } from './elementwise.js';
import { addedAlong, picked, pickedAlong, summedByIndex } from './indexed.js';
import { averaged, compared, counted, multiplied, reduced } from './sums.js';
import { repeatedUsed, returned, taken, usedPlaces } from './used.js';

const UNARY = [
  'exp',
  'log',
  'sqrt',
  'reciprocal',
  'abs',
  'sign',
  'floor',
  'tanh',
  'sigmoid',
  'relu',
  'softplus',
  'elu',
];
const PLAIN = [...UNARY, 'erf', 'sin', 'cos', 'cast', 'maximum', 'minimum', 'where'];
const TRUTH = ['greater', 'greaterOrEqual', 'less', 'equal', 'and', 'or', 'not'];

/**
 * How several ranks compute each op, by its name. An op without a rule is computed on every rank from whole inputs, which is
 * always right and never shared.
 */
export const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...[...PLAIN, ...TRUTH].map((name): [string, Rule] => [name, elementwise]),
  ['negate', negation],
  ['add', sum],
  ['subtract', sum],
  ['multiply', product],
  ['divide', quotient],
  ['reduceSum', reduced],
  ['reduceMean', averaged],
  ['reduceMax', compared],
  ['sizeOf', counted],
  ['matMul', multiplied],
  ['reshape', reshaped],
  ['broadcastTo', repeated],
  ['transpose', transposed],
  ['concat', joined],
  ['slice', cut],
  ['pad', cut],
  ['softmax', within(1)],
  ['logSoftmax', within(1)],
  ['standardize', within(1)],
  ['layerNormalization', within(1)],
  ['cumulativeSum', within(1)],
  ['topKIndices', within(1)],
  ['argMax', within(1)],
  ['windows', within(2)],
  ['inverseDeviation', deviation],
  ['gather', picked],
  ['scatterSum', summedByIndex],
  ['gatherAlong', pickedAlong],
  ['scatterAlong', addedAlong],
  ['places', usedPlaces],
  ['takeUsed', taken],
  ['putBack', returned],
  ['repeatUsed', repeatedUsed],
]);
