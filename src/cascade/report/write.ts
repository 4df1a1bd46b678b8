import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFolderAtomic } from '../../files.js';
import type { FunnelReport } from '../evaluate.js';
import { reportHtml } from './html.js';
import { reportMarkdown } from './markdown.js';

/** Names of the files of a report. */
export const REPORT_FILES = { json: 'funnel.json', markdown: 'funnel.md', html: 'funnel.html' } as const;

/** Writes a report in its three forms; the folder appears whole or not at all. */
export async function writeReport(report: FunnelReport, folder: string): Promise<void> {
  await writeFolderAtomic(folder, async (temporary) => {
    await writeFile(join(temporary, REPORT_FILES.json), `${JSON.stringify(report, null, 2)}\n`);
    await writeFile(join(temporary, REPORT_FILES.markdown), reportMarkdown(report));
    await writeFile(join(temporary, REPORT_FILES.html), reportHtml(report));
  });
}
