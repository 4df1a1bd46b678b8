import { batched, feature, type StateTensor, source, tensorType } from './tensors.js';

/** What a schema is made of. */
export interface SchemaPlan {
  /** Named in a comment. */
  origin: string;
  /** The user's and the item's vector, whose inner product is the first phase. */
  query: StateTensor;
  key: StateTensor;
  /** Inputs of the model of the second phase. */
  inputs: readonly StateTensor[];
  /** N₁ and N₂: documents that the first phase keeps, and that the second scores, on each content node. */
  keep: number;
  rerank: number;
}

/** Name of the schema, of the document type and of the field of keys. */
export const SCHEMA = { document: 'item', key: 'item_key', retrieve: 'retrieve', cascade: 'cascade' } as const;
/** Where the model of the second phase lies in the application package, and its output. */
export const SCORE = { model: 'score', file: 'files/score.onnx', output: 'logit' } as const;

type Block = { head: string; body: (string | Block)[] };

/** The text of `schemas/item.sd`. */
export function schemaText(plan: SchemaPlan): string {
  const { origin, key } = plan;
  const fields = attributesOf(plan).map((tensor) => field(tensor, tensor.name === key.name));
  const schema = block(
    `schema ${SCHEMA.document}`,
    block(
      `document ${SCHEMA.document}`,
      block(`field ${SCHEMA.key} type string`, 'indexing: summary | attribute'),
      ...fields,
    ),
    block(`rank-profile ${SCHEMA.retrieve}`, inputs([plan.query]), firstPhase(plan)),
    cascadeProfile(plan),
  );
  return `# Item states and ranking of ${origin}.\n${print(schema, 0)}\n`;
}

/** The item states that documents carry: those of the second phase, and the vector of the first. */
export function attributesOf({ key, inputs: read }: Pick<SchemaPlan, 'key' | 'inputs'>): StateTensor[] {
  return distinct([key, ...read.filter(({ from }) => from === 'attribute')]);
}

/** The user states that a query brings along. */
export function queryInputsOf({ query, inputs: read }: Pick<SchemaPlan, 'query' | 'inputs'>): StateTensor[] {
  return distinct([query, ...read.filter(({ from }) => from === 'query')]);
}

function distinct(tensors: readonly StateTensor[]): StateTensor[] {
  return [...new Map(tensors.map((tensor) => [tensor.name, tensor])).values()];
}

function field(tensor: StateTensor, isKey: boolean): Block {
  const head = `field ${tensor.name} type ${tensorType(tensor)}`;
  if (!isKey) return block(head, 'indexing: attribute');
  return block(
    head,
    'indexing: attribute | index',
    block('attribute', 'distance-metric: dotproduct'),
    block('index', block('hnsw', 'max-links-per-node: 24', 'neighbors-to-explore-at-insert: 200')),
  );
}

function inputs(tensors: readonly StateTensor[]): Block {
  return block('inputs', ...tensors.map((tensor) => `${feature(tensor)} ${tensorType(tensor)}`));
}

function firstPhase({ query, key, keep }: SchemaPlan): Block {
  return block('first-phase', `keep-rank-count: ${keep}`, `expression: sum(${feature(query)} * ${feature(key)})`);
}

function cascadeProfile(plan: SchemaPlan): Block {
  const functions = plan.inputs.flatMap((tensor) => {
    const made = batched(tensor);
    return made === undefined ? [] : [block(`function ${made.name}()`, `expression: ${made.expression}`)];
  });
  const model = block(
    `onnx-model ${SCORE.model}`,
    `file: ${SCORE.file}`,
    ...plan.inputs.map((tensor) => `input "${tensor.input}": ${source(tensor)}`),
    `output "${SCORE.output}": ${SCORE.output}`,
  );
  return block(
    `rank-profile ${SCHEMA.cascade}`,
    inputs(queryInputsOf(plan)),
    ...functions,
    model,
    firstPhase(plan),
    block('second-phase', `rerank-count: ${plan.rerank}`, `expression: sum(onnx(${SCORE.model}).${SCORE.output})`),
  );
}

function block(head: string, ...body: (string | Block)[]): Block {
  return { head, body };
}

function print({ head, body }: Block, depth: number): string {
  const indent = '    '.repeat(depth);
  const lines = body.map((one) => (typeof one === 'string' ? `${indent}    ${one}` : print(one, depth + 1)));
  return `${indent}${head} {\n${lines.join('\n')}\n${indent}}`;
}
