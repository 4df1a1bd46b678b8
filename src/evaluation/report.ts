/** A metric's value and what a reader must know about it; a metric without a value says why. */
export type Metric = { value: number; note?: string } | { value: undefined; note: string };

/** What an evaluation found. Keys keep their order. */
export interface EvaluationResult {
  /** By stable name: `auc`, `gauc`, `logloss`, `calibrationError`, `calibrationRatio`, `recall@20`, … */
  metrics: Record<string, Metric>;
  /** What was counted: `samples`, `users`, `requests`, … */
  counts: Record<string, number>;
}

/** An evaluation as it is written to files: plain numbers by name, null where undefined. */
export interface EvaluationJson {
  metrics: Record<string, number | null>;
  /** The notes of the metrics that have one; for each null above it says why. */
  notes: Record<string, string>;
  counts: Record<string, number>;
}

/** Joins results of one evaluation, in order. Throws a RangeError when two of them name one metric or count. */
export function mergeResults(...results: EvaluationResult[]): EvaluationResult {
  const merged: EvaluationResult = { metrics: {}, counts: {} };
  for (const { metrics, counts } of results) {
    for (const [name, metric] of Object.entries(metrics)) add(merged.metrics, name, metric);
    for (const [name, count] of Object.entries(counts)) add(merged.counts, name, count);
  }
  return merged;
}

function add<T>(target: Record<string, T>, name: string, value: T): void {
  if (Object.hasOwn(target, name)) throw new RangeError(`mergeResults: "${name}" is given twice`);
  target[name] = value;
}

/** The form for machines. Throws a RangeError on NaN or infinity, which JSON would silently turn into null. */
export function resultToJson({ metrics, counts }: EvaluationResult): EvaluationJson {
  const json: EvaluationJson = { metrics: {}, notes: {}, counts: {} };
  for (const [name, { value, note }] of Object.entries(metrics)) {
    json.metrics[name] = value === undefined ? null : finite(name, value);
    if (note !== undefined) json.notes[name] = note;
  }
  for (const [name, count] of Object.entries(counts)) json.counts[name] = finite(name, count);
  return json;
}

function finite(name: string, value: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`resultToJson: "${name}" is ${value}`);
  return value;
}

/** The form for people: plain text, one line per metric and count, values right-aligned, no colour. */
export function resultToTable({ metrics, counts }: EvaluationResult): string {
  const blocks = [
    Object.entries(metrics).map(([name, { value, note }]) => ({ name, value: formatMetric(value), note: note ?? '' })),
    Object.entries(counts).map(([name, count]) => ({ name, value: count.toLocaleString('en-US'), note: '' })),
  ].filter((block) => block.length > 0);
  const rows = blocks.flat();
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  const valueWidth = Math.max(...rows.map(({ value }) => value.length));
  return blocks
    .map((block) =>
      block
        .map(({ name, value, note }) =>
          `${name.padEnd(nameWidth)}  ${value.padStart(valueWidth)}${note === '' ? '' : `  ${note}`}`.trimEnd(),
        )
        .join('\n'),
    )
    .join('\n\n');
}

/** Four decimals, or three significant digits where those would hide the value; `undefined` by name. */
export function formatMetric(value: number | undefined): string {
  if (value === undefined) return 'undefined';
  return value !== 0 && Math.abs(value) < 0.001 ? value.toPrecision(3) : value.toFixed(4);
}
