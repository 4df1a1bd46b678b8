/*
 * A part of Vespa's schema language, as its schema reference (https://docs.vespa.ai/en/reference/schemas/schemas.html) and the
 * grammar of its parser put it: what an exported schema may say, and nothing else.
 */

/** One block of a schema: its first line without the brace, its statements and its blocks, in order. */
export interface SchemaBlock {
  kind: string;
  /** What the pattern of the first line captured, by name. */
  head: Record<string, string>;
  statements: { kind: string; values: Record<string, string> }[];
  blocks: SchemaBlock[];
}

const NAME = '[A-Za-z_][A-Za-z0-9_]*';
const TENSOR = String.raw`tensor<(?:float|double)>\((?:d\d\[\d+\])(?:,d\d\[\d+\])*\)`;
/** Names that the reference forbids for fields. */
const RESERVED =
  'attribute body case context documentid else header hit host if index position reference relevancy sddocname summary switch tokenize'.split(
    ' ',
  );

interface Rule {
  head: RegExp;
  statements?: Record<string, RegExp>;
  blocks?: string[];
}

const RULES: Record<string, Rule> = {
  schema: { head: new RegExp(`^schema (?<name>${NAME})$`), blocks: ['document', 'rank-profile'] },
  document: { head: new RegExp(`^document (?<name>${NAME})$`), blocks: ['field'] },
  field: {
    head: new RegExp(`^field (?<name>${NAME}) type (?<type>string|${TENSOR})$`),
    statements: { indexing: /^indexing: (?<steps>(summary|attribute|index)( \| (summary|attribute|index))*)$/ },
    blocks: ['attribute', 'index'],
  },
  attribute: {
    head: /^attribute$/,
    statements: {
      'distance-metric':
        /^distance-metric: (?<metric>euclidean|angular|dotproduct|prenormalized-angular|hamming|geodegrees)$/,
    },
  },
  index: { head: /^index$/, blocks: ['hnsw'] },
  hnsw: {
    head: /^hnsw$/,
    statements: {
      'max-links-per-node': /^max-links-per-node: (?<value>\d+)$/,
      'neighbors-to-explore-at-insert': /^neighbors-to-explore-at-insert: (?<value>\d+)$/,
    },
  },
  'rank-profile': {
    head: /^rank-profile (?<name>[A-Za-z_][A-Za-z0-9_-]*)$/,
    blocks: ['inputs', 'function', 'onnx-model', 'first-phase', 'second-phase'],
  },
  inputs: {
    head: /^inputs$/,
    statements: { input: new RegExp(String.raw`^query\((?<name>${NAME})\) (?<type>${TENSOR})$`) },
  },
  function: {
    head: new RegExp(String.raw`^function (?<name>${NAME})\(\)$`),
    statements: { expression: /^expression: (?<text>.+)$/ },
  },
  'onnx-model': {
    head: new RegExp(`^onnx-model (?<name>${NAME})$`),
    statements: {
      file: /^file: (?<path>[A-Za-z_][\w./-]+)$/,
      // The parser takes what follows the last colon for the source.
      input: new RegExp(
        String.raw`^input "(?<name>[^":]+)": (?<source>${NAME}|(attribute|query|constant)\(${NAME}\))$`,
      ),
      output: new RegExp(`^output "(?<name>[^":]+)": (?<as>${NAME})$`),
    },
  },
  'first-phase': {
    head: /^first-phase$/,
    statements: { 'keep-rank-count': /^keep-rank-count: (?<value>\d+)$/, expression: /^expression: (?<text>.+)$/ },
  },
  'second-phase': {
    head: /^second-phase$/,
    statements: { 'rerank-count': /^rerank-count: (?<value>\d+)$/, expression: /^expression: (?<text>.+)$/ },
  },
};

/** Parses the text of a schema. @throws Error naming line and what is wrong */
export function parseSchema(text: string): SchemaBlock {
  const root: SchemaBlock = { kind: '', head: {}, statements: [], blocks: [] };
  const open = [root];
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.replace(/#.*/, '').trim();
    const fail = (what: string) => new Error(`line ${i + 1}: ${what}: ${raw.trim()}`);
    if (line === '') continue;
    const inside = open.at(-1)!;
    if (line === '}') {
      if (open.length === 1) throw fail('a brace too many');
      open.pop();
    } else if (line.endsWith('{')) {
      const allowed = inside === root ? ['schema'] : (RULES[inside.kind]!.blocks ?? []);
      const head = line.slice(0, -1).trim();
      const kind = allowed.find((one) => RULES[one]!.head.test(head));
      if (kind === undefined) throw fail(`no block of ${inside.kind || 'a file'}`);
      const made = { kind, head: { ...RULES[kind]!.head.exec(head)!.groups }, statements: [], blocks: [] };
      inside.blocks.push(made);
      open.push(made);
    } else {
      const known = Object.entries(RULES[inside.kind]?.statements ?? {});
      const found = known.find(([, pattern]) => pattern.test(line));
      if (found === undefined) throw fail(`no statement of ${inside.kind || 'a file'}`);
      inside.statements.push({ kind: found[0], values: { ...found[1].exec(line)!.groups } });
    }
  }
  if (open.length > 1) throw new Error(`${open.at(-1)!.kind} is not closed`);
  const [schema, ...others] = root.blocks;
  if (schema === undefined || others.length > 0) throw new Error('a file holds one schema');
  checkNames(schema);
  return schema;
}

/** Rules that go beyond a line. */
function checkNames(schema: SchemaBlock): void {
  const [document, ...more] = blocksOf(schema, 'document');
  if (document === undefined || more.length > 0) throw new Error('a schema holds one document');
  if (document.head.name !== schema.head.name) throw new Error('the document must be named as the schema');
  const fields = blocksOf(document, 'field').map(({ head }) => head.name!);
  const reserved = fields.find((name) => RESERVED.includes(name));
  if (reserved !== undefined) throw new Error(`${reserved} is reserved`);
  if (new Set(fields).size < fields.length) throw new Error('a field is there twice');
  for (const field of blocksOf(document, 'field')) {
    const vector = /^tensor<float>\(d\d\[\d+\]\)$/.test(field.head.type!);
    if (blocksOf(field, 'index').length > 0 && !vector) throw new Error('an hnsw index takes tensors of one dimension');
  }
  for (const profile of blocksOf(schema, 'rank-profile')) {
    const functions = blocksOf(profile, 'function').map(({ head }) => head.name!);
    const inputs = blocksOf(profile, 'inputs').flatMap(({ statements }) =>
      statements.map(({ values }) => values.name!),
    );
    const known = [
      ...functions,
      ...fields.map((name) => `attribute(${name})`),
      ...inputs.map((name) => `query(${name})`),
    ];
    for (const model of blocksOf(profile, 'onnx-model')) {
      for (const { kind, values } of model.statements) {
        if (kind === 'input' && !known.includes(values.source!)) throw new Error(`${values.source} is nothing`);
      }
    }
  }
}

export function blocksOf({ blocks }: SchemaBlock, kind: string): SchemaBlock[] {
  return blocks.filter((one) => one.kind === kind);
}

/** The only block of a kind, and the value that a statement of it gives. */
export function only(parent: SchemaBlock, kind: string): SchemaBlock {
  const [found, ...others] = blocksOf(parent, kind);
  if (found === undefined || others.length > 0) throw new Error(`${parent.kind} has ${others.length} ${kind} too many`);
  return found;
}

export function expressionOf({ statements }: SchemaBlock): string {
  return statements.find(({ kind }) => kind === 'expression')!.values.text!;
}
