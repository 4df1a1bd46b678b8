import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { TwoTowerError } from '../../errors.js';
import { writeFolderAtomic } from '../../files.js';
import type { DatasetConfig } from '../config.js';
import { Database } from '../database.js';
import type { Dataset, EventStream, SplitName } from '../dataset.js';
import { countEvents, encodedBlocks, layoutOf, TimeOrder } from '../encode-events.js';
import { type EventColumns, reorderColumns } from '../event-columns.js';
import type { DatasetFiles } from '../files-of-table.js';
import { readSeeds } from '../history-seeds.js';
import { learnLog } from '../learn-log.js';
import { nothingShown, stageLevels } from '../levels.js';
import type { LoadOptions } from '../load-options.js';
import { splitPlace } from '../settled-config.js';
import { refuseEmpty } from '../split.js';
import { appendFrame } from './frames.js';
import { Tally } from './tally.js';
import { PLAN_FILE, type WindowPlan } from './window.js';
import { windowFile } from './window-file.js';

/** Name of the file that holds all but the events. */
export const LOG_FILE = 'log';

/** The content of that file. */
export interface PreparedLog {
  dataset: Omit<Dataset, 'events' | 'histories' | 'splits' | 'stream'>;
  stream: Omit<EventStream, 'folder'>;
}

/** Events that are encoded at a time. */
const BLOCK = 1 << 20;

export interface PrepareOptions extends LoadOptions {
  /** Events of a window, about. */
  window: number;
  /** The hashes of the dataset. */
  hashes: Pick<Dataset, 'hash' | 'logHash'>;
  files: DatasetFiles;
}

/**
 * Writes the windows of a log into a folder, which appears whole or not at all. What grows with the events is left to DuckDB,
 * which goes to the disk, but for one block of them; users, items and vocabularies are held in memory.
 *
 * @throws as `loadDataset`; DATA_SPLIT where the users of the first window have nothing in a part of the log
 */
export async function prepareWindows(
  folder: string,
  config: DatasetConfig,
  options: PrepareOptions,
  block = BLOCK,
): Promise<void> {
  const progress = options.onProgress ?? (() => {});
  await writeFolderAtomic(folder, async (temporary) => {
    const db = await Database.open(options.memoryLimit ?? '2GB', temporary);
    try {
      const { context, cut, fitted, tables } = await learnLog(db, config, options.files, options);
      const { users, items, schema } = tables;
      const levels = stageLevels(config);
      const total = await countEvents(context);
      const sizes = {
        windows: Math.max(1, Math.ceil(total / options.window)),
        users: users.count,
        items: items.count,
      };
      const tally = new Tally(cut, levels, sizes);
      const order = new TimeOrder();
      const report = (done: number) => progress({ stage: 'encoding events', done, total });
      for await (const { columns, count } of encodedBlocks(context, fitted, cut, block, report)) {
        order.follow(columns.time, count);
        appendByWindow(temporary, columns, tally.add(columns, count), sizes.windows);
      }
      await order.check(context);
      refuseEmpty(config, cut, tally.parts, splitPlace(config, options));
      for (const part of ['train', 'validation', 'test'] as const) {
        if (tally.windows.every((window) => window[part] === 0)) throw nothingShown(part);
        if (tally.windows[0]![part] === 0) throw nothingMeasured(config, options, sizes.windows, part);
      }
      const histories: WindowPlan['histories'] = [];
      for (const [name, { positive, maxLength, seed }] of Object.entries(config.histories)) {
        const seeds = seed && (await readSeeds(context, name, seed, maxLength, users.count, tally.first));
        histories.push({ name, maxLength, positive, seeds });
      }
      const plan: WindowPlan = { layout: layoutOf(context, cut, schema), cut, levels, histories };
      writeFileSync(join(temporary, PLAN_FILE), serialize(plan));
      const log: PreparedLog = {
        dataset: { ...tables, ...options.hashes, skippedRows: context.bad.count },
        stream: {
          windows: tally.windows,
          itemCounts: tally.itemCounts,
          trainedStages: [...tally.trainedStages],
          binary: plan.layout.feedback.filter((name) => !tally.graded.has(name)),
          seenUntil: tally.seenUntil,
        },
      };
      writeFileSync(join(temporary, LOG_FILE), serialize(log));
    } finally {
      db.close();
    }
  });
}

/** The first window is what is validated and tested on. */
function nothingMeasured(
  { file }: DatasetConfig,
  { window }: PrepareOptions,
  windows: number,
  part: SplitName,
): TwoTowerError {
  return new TwoTowerError(
    'DATA_SPLIT',
    `${file}: the users of the first of ${windows} windows have nothing in the ${part} part`,
    `data.stream.window is ${window} events: make it larger.`,
  );
}

/** Appends each event to the file of its window. */
function appendByWindow(folder: string, columns: EventColumns, placed: Uint32Array, windows: number): void {
  const starts = new Uint32Array(windows + 1);
  for (const window of placed) starts[window + 1]!++;
  for (let window = 0; window < windows; window++) starts[window + 1]! += starts[window]!;
  const next = starts.slice();
  const order = new Uint32Array(placed.length);
  placed.forEach((window, row) => {
    order[next[window]!++] = row;
  });
  reorderColumns(columns, order);
  for (let window = 0; window < windows; window++) {
    const [from, to] = [starts[window]!, starts[window + 1]!];
    if (to > from) appendFrame(join(folder, windowFile(window)), columns, from, to);
  }
}
