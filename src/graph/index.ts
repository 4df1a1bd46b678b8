export * from './build.js';
export { type CompiledGraph, type CompileOptions, compile } from './compile.js';
export { type Cost, type GraphCost, graphCost } from './cost.js';
export { gradients, reachable } from './gradient.js';
export * from './ops/index.js';
export { type Output, type PreparedFeeds, Program, type ProgramOptions } from './program.js';
export { currentScope, inScope } from './scope.js';
export { broadcast, type Dim, evaluate, formatShape, product, type Shape } from './shape.js';
export { apply, type DType, dimension, type Op, type Tensor, unfit, width } from './tensor.js';
