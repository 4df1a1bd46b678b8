import { join } from 'node:path';
import { writeFileAtomic } from '../../files.js';
import type { Leaderboard } from '../results.js';
import { curvesCsv } from './curves.js';
import { leaderboardHtml } from './html.js';
import { leaderboardMarkdown } from './markdown.js';

/** Names of the files of a leaderboard in its folder. */
export const LEADERBOARD_FILES = {
  json: 'results.json',
  markdown: 'results.md',
  html: 'report.html',
  curves: 'curves.csv',
} as const;

/** Writes the results beside the cells, over those of an earlier call. */
export async function writeLeaderboard(board: Leaderboard, folder: string): Promise<void> {
  await writeFileAtomic(join(folder, LEADERBOARD_FILES.json), `${JSON.stringify(board, null, 2)}\n`);
  await writeFileAtomic(join(folder, LEADERBOARD_FILES.markdown), leaderboardMarkdown(board));
  await writeFileAtomic(join(folder, LEADERBOARD_FILES.html), leaderboardHtml(board));
  await writeFileAtomic(join(folder, LEADERBOARD_FILES.curves), curvesCsv(board));
}
