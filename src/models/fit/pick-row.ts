import {
  add,
  broadcastTo,
  cast,
  constant,
  cumulativeSum,
  gather,
  gatherOp,
  multiply,
  reshape,
  squeeze,
  subtract,
  type Tensor,
  width,
} from '../../graph/index.js';

/**
 * Of each table [C, N, ...] the row that its index names: [C, ...]. One table [1, N, ...] serves all indices.
 * @param index int32 [C]
 */
export function pickRow(tables: Tensor, index: Tensor): Tensor {
  if (tables.shape[0] === 1) return gather(squeeze(tables, 0), index);
  // Tables that were themselves gathered from fewer are not copied for every candidate: rows of rows are rows.
  const [all, which] = tables.op === gatherOp ? (tables.inputs as [Tensor, Tensor]) : [tables, positions(index)];
  const rows = reshape(all, [-1, ...all.shape.slice(2)]);
  return gather(rows, add(multiply(which, width(tables, 1)), index));
}

/** 0, 1, 2, …, as many as there are indices: int32 [C]. */
function positions(index: Tensor): Tensor {
  const ones = broadcastTo(constant([1], [1]), index.shape, index);
  return cast(subtract(cumulativeSum(ones), 1), 'int32');
}
