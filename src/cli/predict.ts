import type { RawRecord } from '../data/featurizer.js';
import { openRun } from '../runs/open.js';
import { idColumn, predict as predictFor } from '../runs/predict.js';
import { readPairs, readRecords } from '../runs/records.js';
import { oddities } from './odd-input.js';
import { examples } from './options.js';
import { table } from './table.js';
import type { Verb } from './verb.js';

export const predict: Verb = {
  register(program, output) {
    program
      .command('predict')
      .description('score raw users and items with the run folder alone')
      .argument('<run>', 'run folder')
      .requiredOption('--users <file>', 'users with their context, one per row: .jsonl, .json, .csv, .tsv or .parquet')
      .requiredOption('--items <file>', 'items, one per row, in one of these formats')
      .option('--pairs <file>', 'columns user and item: positions in the two files, from 0 (default: all pairs)')
      .addHelpText(
        'after',
        `\nColumns are those of the dataset. A user may also have histories: {NAME: [{item, time}, …]}, in CSV as JSON.\n${examples(
          'twotower predict runs/dssm-kuairand-1 --users users.jsonl --items items.csv --json',
        )}`,
      )
      .action(async (folder: string, files: { users: string; items: string; pairs?: string }) => {
        const run = await openRun(folder, { warn: output.warn });
        try {
          const users = await readRecords(files.users);
          const items = await readRecords(files.items);
          for (const odd of oddities(run, 'user', users, files.users)) output.warn(odd);
          for (const odd of oddities(run, 'item', items, files.items)) output.warn(odd);
          const pairs = files.pairs === undefined ? undefined : await readPairs(files.pairs);
          const found = await predictFor(run, { users, items, ...(pairs && { pairs }) });
          const name = (records: RawRecord[], column: string | undefined, at: number) =>
            nameOf(column === undefined ? undefined : records[at]![column]) ?? `#${at}`;
          const rows = Array.from(found.logits, (logit, p) => ({
            user: name(users, idColumn(run, 'user'), found.user[p]!),
            item: name(items, idColumn(run, 'item'), found.item[p]!),
            logit,
            probability: found.probabilities[p]!,
          }));
          output.result({ predictions: rows }, () =>
            table([
              ['user', 'item', 'logit', 'probability'],
              ...rows.map((row) => [
                String(row.user),
                String(row.item),
                row.logit.toFixed(5),
                row.probability.toFixed(5),
              ]),
            ]),
          );
        } finally {
          await run.release();
        }
      });
  },
};

/** A key as it is shown. JSON knows neither bigint, as keys from Parquet may be, nor infinity; other things are no keys. */
function nameOf(key: unknown): string | number | undefined {
  if (typeof key === 'number' && Number.isFinite(key)) return key;
  return typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint' ? String(key) : undefined;
}
