import type { DatasetConfig } from './config.js';
import type { Dataset, SplitName } from './dataset.js';
import { type LoadOptions, type LoadReport, loadWithReport } from './load.js';
import { countStages } from './samples.js';

/** What there is to know of a dataset before training on it. */
export interface Inspection {
  name: string;
  hash: string;
  sources: LoadReport['sources'];
  counts: { events: number; users: number; items: number; dropped: number; badRows: number };
  /** Seconds since 1970. */
  time: { first: number; last: number };
  /** Mean of each feedback column over each part. */
  feedback: Record<string, Record<SplitName, number>>;
  label: string;
  /** Events by how far they came, in ascending order; stages that none came to are left out. */
  stages: Record<string, number>;
  splits: Record<SplitName, { events: number; users: number; items: number; first: number; last: number }>;
  /** Rows with the unknown one; the share of test events whose value is unknown (0 … 1). */
  fields: {
    owner: string;
    name: string;
    encoding: string;
    vocabulary?: string;
    rows?: number;
    width?: number;
    unknownInTest?: number;
  }[];
  /** Quantiles of how many earlier positives an event has at its time. */
  histories: { name: string; events: number; median: number; p90: number; empty: number }[];
  problems: string[];
}

/** Loads a dataset and looks it over. */
export async function inspectDataset(source: DatasetConfig | string, options: LoadOptions = {}): Promise<Inspection> {
  const { dataset, report } = await loadWithReport(source, options);
  return summarise(dataset, report);
}

/** {@link inspectDataset} of what has been loaded. */
export function summarise(dataset: Dataset, report: LoadReport): Inspection {
  const { events, users, items, splits } = dataset;
  const feedback: Inspection['feedback'] = {};
  for (const [name, values] of events.feedback) {
    const mean = (rows: Uint32Array) => rows.reduce((sum, row) => sum + values[row]!, 0) / rows.length;
    feedback[name] = { train: mean(splits.train), validation: mean(splits.validation), test: mean(splits.test) };
  }
  return {
    name: dataset.name,
    hash: dataset.hash,
    sources: report.sources,
    counts: {
      events: events.count,
      users: users.count - 1,
      items: items.count - 1,
      dropped: report.dropped,
      badRows: report.badRows,
    },
    time: { first: events.time[0]!, last: events.time[events.count - 1]! },
    feedback,
    label: dataset.label,
    stages: countStages(events.stage, dataset.stages),
    splits: {
      train: partOf(dataset, splits.train),
      validation: partOf(dataset, splits.validation),
      test: partOf(dataset, splits.test),
    },
    fields: fieldsOf(dataset),
    histories: dataset.histories.map((log) => historyOf(dataset, log)),
    problems: problemsOf(dataset, report, feedback),
  };
}

function partOf({ events }: Dataset, rows: Uint32Array) {
  return {
    events: rows.length,
    users: distinct(events.user, rows).size,
    items: distinct(events.item, rows).size,
    first: events.time[rows[0]!]!,
    last: events.time[rows[rows.length - 1]!]!,
  };
}

function distinct(values: Int32Array, rows: Uint32Array): Set<number> {
  const seen = new Set<number>();
  for (const row of rows) seen.add(values[row]!);
  return seen;
}

function fieldsOf({ schema, users, items, events, splits }: Dataset): Inspection['fields'] {
  const places = [
    { features: schema.user, table: users, rows: events.user },
    { features: schema.item, table: items, rows: events.item },
    { features: schema.context, table: events.context, rows: undefined },
  ];
  return places.flatMap(({ features, table, rows }) =>
    features.map((feature) => {
      const { owner, name, encoding } = feature;
      if (feature.encoding === 'numbers') return { owner, name, encoding, width: feature.width };
      const field = { owner, name, encoding, vocabulary: feature.vocabulary, rows: feature.size };
      const column = table.columns.get(name);
      if (column === undefined || column.encoding === 'numbers') return field;
      let unknown = 0;
      let values = 0;
      const width = column.encoding === 'ids' ? column.maxLength : 1;
      for (const event of splits.test) {
        const row = rows === undefined ? event : rows[event]!;
        const length = column.encoding === 'ids' ? column.lengths[row]! : 1;
        for (let k = 0; k < length; k++) if (column.rows[row * width + k] === 0) unknown++;
        values += length;
      }
      return { ...field, unknownInTest: values === 0 ? 0 : unknown / values };
    }),
  );
}

function historyOf({ events }: Dataset, log: Dataset['histories'][number]): Inspection['histories'][number] {
  const lengths = new Uint32Array(events.count);
  const reached = log.offsets.slice();
  for (let i = 0; i < events.count; i++) {
    const user = events.user[i]!;
    // Events are in time order, so each user's position only moves forward.
    while (reached[user]! < log.offsets[user + 1]! && log.time[reached[user]!]! < events.time[i]!) reached[user]!++;
    lengths[i] = Math.min(log.maxLength, reached[user]! - log.offsets[user]!);
  }
  lengths.sort();
  const at = (share: number) => lengths[Math.min(lengths.length - 1, Math.floor(share * lengths.length))] ?? 0;
  const empty = lengths.findIndex((length) => length > 0);
  return {
    name: log.name,
    events: log.item.length,
    median: at(0.5),
    p90: at(0.9),
    empty: (empty === -1 ? lengths.length : empty) / Math.max(1, lengths.length),
  };
}

function problemsOf(dataset: Dataset, report: LoadReport, feedback: Inspection['feedback']): string[] {
  const { events, splits, label } = dataset;
  const problems: string[] = [];
  const say = (count: number, text: string) => {
    if (count > 0) problems.push(`${count.toLocaleString('en')} ${text}`);
  };
  say(report.badRows, `bad rows were skipped, such as ${report.badRowExamples[0]}`);
  say(report.unordered, 'events are earlier than the one before them in the file; they were sorted');
  say(duplicates(dataset), 'events repeat another: same user, item and time');
  say(report.unknownSeedItems, 'earlier items of users are in no table and were left out');
  const known = { user: distinct(events.user, splits.train), item: distinct(events.item, splits.train) };
  for (const side of ['user', 'item'] as const) {
    let unseen = 0;
    for (const row of splits.test) if (!known[side].has(events[side][row]!)) unseen++;
    if (unseen > 0) {
      problems.push(
        `${percent(unseen / splits.test.length)} of the test events have ${side === 'user' ? 'a user' : 'an item'} that training never saw`,
      );
    }
  }
  say(report.unlisted.user, 'users of the events are not in the users file: all is unknown of them but their key');
  say(report.unlisted.item, 'items of the events are not in the items file: all is unknown of them but their key');
  const graded = events.feedback.get(label)!.reduce((count, value) => count + (value === 0 || value === 1 ? 0 : 1), 0);
  say(graded, `events have a label ${label} that is neither 0 nor 1: a model cannot be trained on it`);
  for (const [part, rate] of Object.entries(feedback[label] ?? {})) {
    const values = new Set<number>();
    for (const row of splits[part as SplitName]) if (values.size < 2) values.add(events.feedback.get(label)![row]!);
    if (values.size < 2) problems.push(`the label ${label} is ${rate} in every event of the ${part} part`);
  }
  if (events.time[0]! < 631152000) problems.push(`the first event is of ${day(events.time[0]!)}: is time.unit right?`);
  return problems;
}

function duplicates({ events }: Dataset): number {
  let count = 0;
  // Only events of one moment can repeat each other.
  for (let start = 0; start < events.count; ) {
    let end = start + 1;
    while (end < events.count && events.time[end] === events.time[start]) end++;
    if (end - start > 1) {
      const seen = new Set<string>();
      for (let i = start; i < end; i++) seen.add(`${events.user[i]} ${events.item[i]}`);
      count += end - start - seen.size;
    }
    start = end;
  }
  return count;
}

/** An inspection as lines of text. */
export function inspectionLines(inspection: Inspection): string[] {
  const { counts, time, splits } = inspection;
  const number = (value: number) => value.toLocaleString('en');
  const lines = [
    `${inspection.name}  ${inspection.hash.slice(0, 12)}`,
    '',
    'tables',
    ...inspection.sources.map(
      (one) => `  ${one.table.padEnd(12)} ${number(one.rows).padStart(12)} rows  ${one.columns} columns  ${one.file}`,
    ),
    `  ${number(counts.events)} events, ${number(counts.users)} users, ${number(counts.items)} items; ${number(counts.dropped)} dropped, ${number(counts.badRows)} bad rows skipped`,
    `  ${moment(time.first)} to ${moment(time.last)}`,
    '',
    'splits',
    ...Object.entries(splits).map(
      ([part, one]) =>
        `  ${part.padEnd(12)} ${number(one.events).padStart(12)} events  ${number(one.users)} users  ${number(one.items)} items  ${moment(one.first)} to ${moment(one.last)}`,
    ),
    '',
    'feedback (mean in train, validation, test)',
    ...Object.entries(inspection.feedback).map(
      ([name, rate]) =>
        `  ${name.padEnd(20)} ${[rate.train, rate.validation, rate.test].map((one) => one.toFixed(4)).join('  ')}${name === inspection.label ? '  label' : ''}`,
    ),
    '',
    'stages (events that came so far and no further)',
    ...Object.entries(inspection.stages).map(([name, events]) => `  ${name.padEnd(20)} ${number(events).padStart(9)}`),
    '',
    'fields (rows, share of the test values that are unknown)',
    ...inspection.fields.map((field) => {
      const size = field.rows === undefined ? `width ${field.width}` : number(field.rows);
      const unknown = field.unknownInTest === undefined ? '' : percent(field.unknownInTest);
      return `  ${field.owner.padEnd(8)} ${field.name.padEnd(24)} ${field.encoding.padEnd(8)} ${size.padStart(10)} ${unknown.padStart(7)}`.trimEnd();
    }),
  ];
  if (inspection.histories.length > 0) {
    lines.push('', 'histories (length at the time of an event)');
    for (const one of inspection.histories) {
      lines.push(
        `  ${one.name.padEnd(12)} ${number(one.events).padStart(12)} entries  median ${one.median}  p90 ${one.p90}  empty ${percent(one.empty)}`,
      );
    }
  }
  lines.push('', inspection.problems.length === 0 ? 'no problems found' : 'problems');
  lines.push(...inspection.problems.map((problem) => `  ${problem}`));
  return lines;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function moment(seconds: number): string {
  return new Date(seconds * 1e3).toISOString().replace('T', ' ').slice(0, 16);
}

function day(seconds: number): string {
  return new Date(seconds * 1e3).toISOString().slice(0, 10);
}
