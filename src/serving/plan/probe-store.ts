import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EncoderState, FieldEncoderState } from '../../data/dataset.js';
import { Featurizer, type RawRecord } from '../../data/featurizer.js';
import { fieldKind } from '../../data/fields/index.js';
import { Random } from '../../random.js';
import type { ModelManifest } from '../../runs/export.js';
import { writeSafetensors } from '../../training/safetensors.js';
import { OnnxPart } from '../engine/onnx-part.js';
import type { RawColumn } from '../engine/packed-column.js';
import { type PackedTable, packTable } from '../engine/raw-table.js';
import { writeTable } from '../engine/table-file.js';
import { FORMAT, type Manifest, type PartManifest, type PhaseManifest } from '../manifest.js';
import { filesOf } from '../publish.js';
import { prepareStore, useVersion, versionFolder } from '../store.js';
import { VERSION_FILES } from '../version-files.js';
import { processorMs } from './kernels.js';
import type { Subject, SubjectPhase } from './subject.js';

/** Invented items and users of the store that rates are measured with, and events in the history of each user at most. */
export const PROBE = { items: 4095, users: 256, events: 50 } as const;

/** What came of writing it. */
export interface ProbeStore {
  /** Milliseconds of the item part of each phase for all items, on one core. */
  itemMs: Partial<Record<SubjectPhase['phase'], number>>;
}

/**
 * Writes a store that answers as the subject does, with invented items and users whose values are drawn from its vocabularies:
 * the time of a request does not depend on how well it is answered.
 */
export async function writeProbeStore(store: string, subject: Subject): Promise<ProbeStore> {
  const id = 'probe';
  const folder = versionFolder(store, id);
  const random = Random.of(1, 'probe');
  const { encoders, schema } = subject.phases[0]!;
  await prepareStore(store);
  const phases: PhaseManifest[] = [];
  const itemMs: ProbeStore['itemMs'] = {};
  const items = inventRows(subject, 'item', PROBE.items, random);
  const users = inventRows(subject, 'user', PROBE.users, random);
  for (const phase of subject.phases) {
    const own = join(folder, phase.phase);
    // Makes the version's folder, too.
    await phase.writeModel(own);
    const written = await writePhaseFiles(own, phase, items);
    phases.push(written.manifest);
    itemMs[phase.phase] = written.ms;
  }
  await writeTable(join(folder, VERSION_FILES.items), tableOf(encoders, 'item', items));
  await writeTable(join(folder, VERSION_FILES.users), tableOf(encoders, 'user', users));
  const histories = schema.histories.map(({ name, maxLength }) => {
    return { name, positive: name, maxLength, events: Math.min(maxLength, PROBE.events) };
  });
  await writeHistories(join(folder, VERSION_FILES.histories), histories, random);
  const manifest: Manifest = {
    format: FORMAT,
    id,
    created: new Date().toISOString(),
    dataset: 'invented',
    items: PROBE.items,
    users: PROBE.users,
    keyColumns: {},
    histories: histories.map(({ events: _, ...one }) => one),
    phases,
    files: await filesOf(folder),
  };
  await writeFile(join(folder, VERSION_FILES.manifest), JSON.stringify(manifest));
  await useVersion(store, id);
  return { itemMs };
}

/** Items encoded at once. */
const BLOCK = 1024;

async function writePhaseFiles(folder: string, phase: SubjectPhase, items: readonly RawRecord[]) {
  const { schema, encoders, retrieval, keep } = phase;
  const { parts } = JSON.parse(await readFile(join(folder, VERSION_FILES.manifest), 'utf8')) as ModelManifest;
  await writeFile(join(folder, VERSION_FILES.schema), JSON.stringify(schema));
  await writeFile(join(folder, VERSION_FILES.encoders), JSON.stringify(encoders));
  const manifests = Object.fromEntries(
    Object.entries(parts).map(([name, { file, inputs, outputs }]) => [name, { file, inputs, outputs } as PartManifest]),
  ) as PhaseManifest['parts'];
  const featurizer = Featurizer.fromState(schema, encoders);
  const part = await OnnxPart.load(folder, manifests.item, 1);
  const states = new Map<string, { data: Float32Array | Int32Array; shape: number[] }>();
  let ms = 0;
  const all: RawRecord[] = [{}, ...items];
  for (let from = 0; from < all.length; from += BLOCK) {
    const rows = all.slice(from, from + BLOCK);
    const feeds = featurizer.encodeItems(rows);
    // The first run fetches memory that the others find there.
    if (from === 0) await part.run(feeds);
    const started = processorMs();
    const block = await part.run(feeds);
    ms += processorMs() - started;
    for (const [name, { data, shape }] of Object.entries(block)) {
      const Type = data.constructor as new (length: number) => Float32Array | Int32Array;
      const width = data.length / rows.length;
      const whole = states.get(name) ?? { data: new Type(all.length * width), shape: [all.length, ...shape.slice(1)] };
      whole.data.set(data as Float32Array, from * width);
      states.set(name, whole);
    }
  }
  await part.release();
  await writeSafetensors(join(folder, VERSION_FILES.states), states);
  const manifest: PhaseManifest = {
    phase: phase.phase,
    model: phase.model,
    run: { dataset: 'invented', dataHash: '', label: '', seed: 0, step: 0 },
    keep,
    ...(retrieval && phase.phase === 'retrieve' && { retrieval }),
    parts: manifests,
    metrics: {},
  };
  return { manifest, ms };
}

/** Rows with a value in every column that some phase's fields read. */
function inventRows(subject: Subject, owner: 'item' | 'user', count: number, random: Random): RawRecord[] {
  const columns = new Map<string, () => unknown>();
  for (const { encoders } of subject.phases) {
    for (const field of encoders.fields) {
      if (field.owner === owner && !columns.has(field.column))
        columns.set(field.column, inventor(field, encoders, random));
    }
  }
  return Array.from({ length: count }, () => Object.fromEntries([...columns].map(([name, value]) => [name, value()])));
}

/** Values of a list, where a field takes several. */
const LISTED = 3;

function inventor({ kind, state }: FieldEncoderState, { vocabularies }: EncoderState, random: Random): () => unknown {
  const values = vocabularies[String(state.vocabulary)]?.values ?? [];
  const one = () => (values.length === 0 ? 'none' : values[random.below(values.length)]!);
  const { input } = fieldKind(kind);
  if (input === 'number') return () => random.uniform();
  return input === 'texts' ? () => Array.from({ length: LISTED }, one) : one;
}

/** Keys `0`, `1`, … and the raw columns, as a catalogue lies on the disk. */
function tableOf({ fields }: EncoderState, owner: string, rows: readonly RawRecord[]): PackedTable {
  const columns = new Map<string, RawColumn>();
  for (const field of fields) {
    // As they were invented: where several fields read a column, for the first of them.
    if (field.owner !== owner || columns.has(field.column)) continue;
    const values = rows.map((row) => row[field.column]);
    const { input } = fieldKind(field.kind);
    columns.set(
      field.column,
      input === 'number' ? Float64Array.from([Number.NaN, ...(values as number[])]) : [null, ...(values as string[])],
    );
  }
  return packTable(['', ...rows.keys()].map(String), columns);
}

async function writeHistories(
  file: string,
  histories: readonly { name: string; events: number }[],
  random: Random,
): Promise<void> {
  const tensors = histories.flatMap(({ name, events }) => {
    const length = PROBE.users * events;
    // Row 0 is the unknown user, who has none.
    const offsets = Uint32Array.from({ length: PROBE.users + 2 }, (_, user) => Math.max(0, user - 1) * events);
    const item = Int32Array.from({ length }, () => 1 + random.below(PROBE.items));
    const time = Float64Array.from({ length }, (_, i) => 1e9 + i);
    return [
      [`${name}.offsets`, { data: offsets, shape: [offsets.length] }] as const,
      [`${name}.item`, { data: item, shape: [length] }] as const,
      [`${name}.time`, { data: time, shape: [length] }] as const,
    ];
  });
  await writeSafetensors(file, tensors);
}
