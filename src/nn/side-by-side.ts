import { TwoTowerError } from '../errors.js';
import { broadcast, broadcastTo, concat, type Dim, formatShape, type Tensor, width } from '../graph/index.js';

/** Tensors joined along the last axis after their other axes are broadcast: [1, a] and [N, b] → [N, a + b]. */
export function sideBySide(parts: readonly Tensor[]): Tensor {
  const lead = parts.map(({ shape }): Dim[] => shape.slice(0, -1)).reduce((a, b) => broadcast(a, b) ?? misfit(parts));
  const repeated = (part: Tensor): Tensor => {
    const missing = lead.filter((dim) => typeof dim === 'string' && !part.shape.includes(dim));
    const like = parts.find(({ shape }) => missing.every((dim) => shape.includes(dim)));
    return broadcastTo(part, [...lead, width(part)], like);
  };
  return concat(parts.map(repeated));
}

function misfit(parts: readonly Tensor[]): never {
  const shapes = parts.map(({ shape }) => formatShape(shape)).join(' and ');
  throw new TwoTowerError('GRAPH_SHAPE', `${shapes} do not fit side by side`);
}
