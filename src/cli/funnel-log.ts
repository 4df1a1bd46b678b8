import { join } from 'node:path';
import { exportFunnelLog } from '../serving/funnel-log/export.js';
import { SERVER_FOLDERS } from '../serving/serve.js';
import { count } from './format.js';
import { examples } from './options.js';
import type { Verb } from './verb.js';

export const funnelLog: Verb = {
  register(program, output) {
    program
      .command('funnel-log')
      .description('make a dataset to train on of what serve took down: every stage of the cascade, and the feedback')
      .argument('<store>', 'folder of the store that was served with --log-share')
      .requiredOption('--like <file>', 'description (YAML) of the dataset that the versions were trained on')
      .requiredOption('--out <dir>', 'folder of the new dataset')
      .addHelpText('after', examples('twotower funnel-log store --like data/dataset.yaml --out data/funnel'))
      .action(async (store: string, { like, out }: { like: string; out: string }) => {
        const report = await exportFunnelLog({ log: join(store, SERVER_FOLDERS.funnel), like, out });
        output.result(report, () => {
          const { requests, rows, users, items, description } = report;
          return `${description}: ${count(rows)} items in ${count(requests)} requests of ${count(users)} users, ${count(items)} items known`;
        });
      });
  },
};
