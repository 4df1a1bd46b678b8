import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import type { Dataset } from '../dataset.js';
import { type EventLayout, finishEvents } from '../event-columns.js';
import { buildHistoryLog, type Seeds } from '../history-log.js';
import type { StageLevels } from '../levels.js';
import { type Cut, partRows } from '../parts.js';
import { readFrames } from './frames.js';
import { windowFile } from './window-file.js';

/** Name of the file that tells what the windows of a folder are made of, and its content. */
export const PLAN_FILE = 'plan';
export interface WindowPlan {
  layout: EventLayout;
  cut: Cut;
  levels: StageLevels;
  histories: { name: string; maxLength: number; positive: string; seeds?: Seeds | undefined }[];
}

/** A streamed log without the window that it holds. */
export type Streamed = Omit<Dataset, 'events' | 'histories' | 'splits' | 'stream'> & Required<Pick<Dataset, 'stream'>>;

/**
 * One window of a streamed log as a dataset of its own: all events of some users, in time order.
 *
 * @throws DATA_SOURCE where it is damaged
 */
export function openWindow(dataset: Streamed, window: number): Dataset {
  const { folder, windows } = dataset.stream;
  const { layout, cut, levels, histories } = deserialize(readFileSync(join(folder, PLAN_FILE))) as WindowPlan;
  const columns = readFrames(join(folder, windowFile(window)), layout, windows[window]!.events);
  const { events, keys } = finishEvents(columns, levels);
  const parts = partRows(cut, keys);
  const wasShown = (row: number) => events.stage[row]! >= levels.shown;
  return {
    ...dataset,
    events,
    histories: histories.map(({ name, maxLength, positive, seeds }) =>
      buildHistoryLog(name, maxLength, events, events.feedback.get(positive)!, dataset.users.count, seeds),
    ),
    splits: {
      train: parts.train.filter(wasShown),
      validation: parts.validation.filter(wasShown),
      test: parts.test.filter(wasShown),
    },
  };
}
