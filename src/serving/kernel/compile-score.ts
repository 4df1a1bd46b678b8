import { assemble, Code } from '../../assembler.js';
import type { SharedStates } from '../engine/item-states.js';
import type { PartManifest } from '../manifest.js';
import { type CompiledScore, type ScoreLayout, SIDE_BY_SIDE, TOGETHER } from './compiled-score.js';
import { readOnnxGraph } from './onnx-graph.js';
import { OPERATORS } from './operators.js';
import { aligned, Scoring, type Tensor, Unfit } from './tensors.js';
import { contiguous, countOf, LANES, SHARED } from './views.js';

/**
 * Multiply-adds of a candidate, and bytes that it computes with, up to which this is faster than ONNX Runtime, whose matrix products
 * have wider vectors and whose other operators pass over all candidates one after the other.
 */
const MOST_PRODUCTS = 4096;
const MOST_BYTES = 64 * 1024;
const PAGE = 65_536;

/**
 * Writes the score part as one WebAssembly function, in which nothing of a candidate leaves the processor's caches, where it is made of
 * small operators. Of a candidate a logit must depend on nothing but its own row, as it does in every score part.
 *
 * @param file score.onnx
 * @returns undefined where an operator is not known, or ONNX Runtime would be faster
 */
export function compileScore(file: Uint8Array, part: PartManifest, states: SharedStates): CompiledScore | undefined {
  try {
    return compiled(file, part, states);
  } catch (error) {
    if (error instanceof Unfit) return undefined;
    throw error;
  }
}

function compiled(file: Uint8Array, { inputs, outputs }: PartManifest, states: SharedStates): CompiledScore {
  const graph = readOnnxGraph(file);
  const code = new Code();
  const scoring = new Scoring(code);
  const values = new Map<string, Tensor>();
  const constants: CompiledScore['constants'] = [];
  const ofItem = inputs
    .filter(({ name }) => name in states.layout)
    .map(({ name }) => ({ name, ...states.layout[name]! }));
  if (ofItem.length === 0 || inputs.some(({ dtype }) => dtype !== 'float32')) throw new Unfit('states of other kinds');
  const first = Math.min(...ofItem.map(({ offset }) => offset));
  const most = Math.max(...ofItem.map(({ offset, width }) => offset + width + (width % 2)));
  const read = most - first;
  const width = aligned(read * SHARED) / SHARED;
  const rows = scoring.room([TOGETHER, width], SHARED).at;
  const lanes = scoring.room([width], LANES).at;
  for (const { name, offset, shape } of ofItem) {
    values.set(name, {
      shape: [1, ...shape],
      view: contiguous([1, ...shape], lanes + (offset - first) * LANES, LANES),
    });
  }
  const user: ScoreLayout['user'] = [];
  for (const { name, shape } of inputs.filter(({ name }) => !values.has(name))) {
    if (shape[0] !== 1 || shape.some((size) => typeof size !== 'number')) throw new Unfit('a state of several users');
    const view = scoring.room(shape as number[], SHARED);
    user.push({ name, view });
    values.set(name, { shape: view.shape, view });
  }
  const tensorOf = (name: string): Tensor => {
    const known = values.get(name);
    if (known !== undefined) return known;
    const constant = graph.constant(name);
    if (constant === undefined) throw new Unfit(`${name} is not known`);
    const view = scoring.room(constant.dims, SHARED);
    const tensor = { shape: constant.dims, view };
    constants.push({ at: view.at, values: constant.values });
    values.set(name, tensor);
    return tensor;
  };

  const uses = new Map<string, number>();
  for (const { inputs } of graph.nodes) for (const name of inputs) uses.set(name, (uses.get(name) ?? 0) + 1);
  const logits = scoring.room([TOGETHER], SHARED).at;
  code.loop({ local: code.parameter }, (block) => {
    sideBySide(code, block, rows, width, lanes);
    for (const node of graph.nodes) {
      const operator = OPERATORS[node.op];
      if (operator === undefined) throw new Unfit(`${node.op} is not known`);
      const list = (at: number) => {
        const constant = graph.constant(node.inputs[at] ?? '');
        if (constant === undefined) throw new Unfit(`${node.op} over what is computed`);
        return [...constant.values];
      };
      // What is a list of numbers is never a tensor.
      const tensors = node.inputs.flatMap((name, at) => (LISTS.has(node.op) && at === 1 ? [] : [tensorOf(name)]));
      const result = operator({ scoring, node, inputs: tensors, list });
      if ((uses.get(node.output) ?? 0) > 1) scoring.viewOf(result);
      values.set(node.output, result);
    }
    const [{ name: output }] = outputs as [PartManifest['outputs'][number]];
    const logit = values.get(output);
    if (outputs.length !== 1 || logit === undefined || countOf(logit.shape) !== 1) throw new Unfit('no single logit');
    const view = scoring.viewOf(logit);
    code.get(block).int(LANES).op('multiply');
    scoring.load(view);
    code.store(logits);
  });
  if (scoring.products > MOST_PRODUCTS || scoring.end > MOST_BYTES + TOGETHER * width * SHARED)
    throw new Unfit('too much');
  return {
    bytes: assemble(code, Math.ceil(scoring.end / PAGE)),
    layout: { user, rows, first, read, width, logits },
    constants,
  };
}

/** Operators whose second input is a list of whole numbers. */
const LISTS = new Set(['Reshape', 'ReduceSum', 'ReduceMax']);

/** Turns the rows of four items into vectors of one value of each: four of them at a time. */
function sideBySide(code: Code, block: number, rows: number, width: number, lanes: number): void {
  const [from, to] = [code.local('i32'), code.local('i32')];
  const row = Array.from({ length: SIDE_BY_SIDE }, () => code.local('v128'));
  const half = Array.from({ length: SIDE_BY_SIDE }, () => code.local('v128'));
  code.loop(width / 4, (four) => {
    code
      .get(block)
      .int(SIDE_BY_SIDE * width * SHARED)
      .op('multiply');
    code.get(four).int(LANES).op('multiply').op('add').set(from);
    code
      .get(four)
      .int(4 * LANES)
      .op('multiply')
      .set(to);
    for (const [i, local] of row.entries()) {
      code
        .get(from)
        .load(rows + i * width * SHARED)
        .set(local);
    }
    const [a, b, c, d] = row as [number, number, number, number];
    const [ab, ba, cd, dc] = half as [number, number, number, number];
    code.get(a).get(b).shuffle(0, 4, 1, 5).set(ab).get(a).get(b).shuffle(2, 6, 3, 7).set(ba);
    code.get(c).get(d).shuffle(0, 4, 1, 5).set(cd).get(c).get(d).shuffle(2, 6, 3, 7).set(dc);
    const out = (i: number, one: number, other: number, isUpper: boolean) => {
      code.get(to).get(one).get(other);
      if (isUpper) code.shuffle(2, 3, 6, 7);
      else code.shuffle(0, 1, 4, 5);
      code.store(lanes + i * LANES);
    };
    out(0, ab, cd, false);
    out(1, ab, cd, true);
    out(2, ba, dc, false);
    out(3, ba, dc, true);
  });
}
