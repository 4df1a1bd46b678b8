/** A tensor of Vespa: dimensions in the order of their names, the last one innermost. */
export interface NamedTensor {
  dimensions: { name: string; size: number }[];
  cells: number[];
}

/** What an expression may name: `attribute(f)`, `query(q)`, `onnx(m).o`, and functions by their names. */
export type Names = (feature: string) => NamedTensor;

const TOKEN = /\s*(sum\(|tensor<float>\(([^)]*)\)\(([\d.]+)\)|(?:attribute|query)\(\w+\)|onnx\(\w+\)\.\w+|\w+|[()*])/y;

/**
 * Evaluates the ranking expressions that an export writes: products of tensors, which join on the dimensions they share, and the
 * sum over all cells.
 */
export function evaluate(expression: string, names: Names): NamedTensor {
  TOKEN.lastIndex = 0;
  const tokens: RegExpExecArray[] = [];
  while (TOKEN.lastIndex < expression.trimEnd().length) {
    const token = TOKEN.exec(expression);
    if (token === null) throw new Error(`cannot be read: ${expression}`);
    tokens.push(token);
  }
  const product = (): NamedTensor => {
    let result = factor();
    while (tokens[0]?.[1] === '*') {
      tokens.shift();
      result = join(result, factor());
    }
    return result;
  };
  const factor = (): NamedTensor => {
    const [, text, type, value] = tokens.shift()!;
    if (text === 'sum(' || text === '(') {
      const inner = product();
      if (tokens.shift()?.[1] !== ')') throw new Error(`a bracket is open: ${expression}`);
      return text === '(' ? inner : { dimensions: [], cells: [inner.cells.reduce((a, b) => a + b, 0)] };
    }
    if (type === undefined) return names(text!);
    const dimensions = dimensionsOf(type);
    return { dimensions, cells: new Array(sizeOf(dimensions)).fill(Number(value)) };
  };
  const result = product();
  if (tokens.length > 0) throw new Error(`something is left over: ${expression}`);
  return result;
}

/** The dimensions of a tensor type, `d0[1],d1[3]`, with or without the word tensor. */
export function dimensionsOf(type: string): NamedTensor['dimensions'] {
  const found = [...type.matchAll(/(\w+)\[(\d+)\]/g)].map(([, name, size]) => ({ name: name!, size: Number(size) }));
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function sizeOf(dimensions: NamedTensor['dimensions']): number {
  return dimensions.reduce((total, { size }) => total * size, 1);
}

function join(a: NamedTensor, b: NamedTensor): NamedTensor {
  const all = new Map([...a.dimensions, ...b.dimensions].map((one) => [one.name, one]));
  const dimensions = [...all.values()].sort((x, y) => (x.name < y.name ? -1 : 1));
  for (const { name, size } of [...a.dimensions, ...b.dimensions]) {
    if (all.get(name)!.size !== size) throw new Error(`${name} has two sizes`);
  }
  const at = (tensor: NamedTensor, place: Map<string, number>) =>
    tensor.cells[tensor.dimensions.reduce((index, { name, size }) => index * size + place.get(name)!, 0)]!;
  const cells = Array.from({ length: sizeOf(dimensions) }, (_, cell) => {
    const place = new Map<string, number>();
    let rest = cell;
    for (const { name, size } of dimensions.toReversed()) {
      place.set(name, rest % size);
      rest = Math.floor(rest / size);
    }
    return at(a, place) * at(b, place);
  });
  return { dimensions, cells };
}
