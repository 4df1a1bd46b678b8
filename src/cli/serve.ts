import { InvalidArgumentError, Option } from 'commander';
import pino from 'pino';
import { funnelOptions } from '../serving/funnel-log/log.js';
import { serviceOptions } from '../serving/http/options.js';
import { serve as serveStore } from '../serving/serve.js';
import { giveHeapRoom } from './heap.js';
import { examples, wholeNumber } from './options.js';
import type { Verb } from './verb.js';

interface Options {
  host: string;
  port: number;
  keys?: string;
  cache?: string;
  state?: string;
  workers?: number;
  concurrency: number;
  logShare: number;
  logWindow: number;
  logLevel: string;
}

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'];

export const serve: Verb = {
  register(program, output) {
    const limits = serviceOptions.parse({}).limits;
    program
      .command('serve')
      .description('answer recommendations from a store over HTTP, with a dashboard')
      .argument('<store>', 'folder of the store, or s3://BUCKET/PREFIX')
      .option('--host <address>', 'address to listen on; another than loopback needs --keys', '127.0.0.1')
      .option('--port <number>', 'port; 0 takes a free one', wholeNumber(0, 65_535), 8080)
      .option(
        '--keys <file>',
        'API keys (twotower keys makes the file); without it whoever is on this machine may read',
      )
      .option('--cache <folder>', 'for a store in a bucket: folder that its versions are fetched to')
      .addOption(
        new Option(
          '--state <url>',
          'Redis or Valkey that several servers of the store share (redis://…, rediss://…); without it changes lie in the store',
        ).env('TWOTOWER_STATE'),
      )
      .option('--workers <n>', 'worker threads (default: one less than there are cores)', wholeNumber(0))
      .option('--concurrency <n>', 'requests under way; one more is answered 503', wholeNumber(1), limits.concurrency)
      .option('--log-share <share>', 'share of the requests that the funnel log takes down', shareOf, 0)
      .option('--log-window <seconds>', 'how long the funnel log waits for feedback', wholeNumber(1), 1_800)
      .option('--log-level <level>', `one of ${LEVELS.join(', ')}; lines of JSON on stderr`, levelOf, 'info')
      .addHelpText(
        'after',
        examples(
          'twotower serve store',
          'twotower serve store --host 0.0.0.0 --keys keys.yaml --log-share 0.05',
          'twotower serve store --keys keys.yaml --state redis://10.0.0.5:6379/0',
          'twotower serve s3://models/shop --cache /var/lib/twotower --state redis://10.0.0.5:6379/0',
        ),
      )
      .action(async (store: string, options: Options) => {
        giveHeapRoom();
        const { host, port, concurrency } = options;
        const log = pino({ level: options.logLevel, base: {} }, pino.destination({ dest: 2, sync: true }));
        const serving = await serveStore({
          store,
          cache: options.cache,
          state: options.state,
          service: serviceOptions.parse({
            host,
            port,
            limits: { concurrency, perClient: Math.ceil(concurrency * 0.75) },
          }),
          funnel: funnelOptions.parse({ share: options.logShare, windowSeconds: options.logWindow }),
          keyFile: options.keys,
          engine: options.workers === undefined ? {} : { workers: options.workers },
          log,
        });
        const { url, writeKey } = serving;
        output.result({ url, writeKey }, () => {
          const lines = [`${output.colors.bold(url)}  dashboard, /v1/recommend, /v1/rank, /openapi.json`];
          if (writeKey !== undefined) lines.push(`a key for changes, good until the server ends: ${writeKey}`);
          return lines.join('\n');
        });
        await untilStopped();
        log.info('draining');
        const { clean } = await serving.stop();
        log.info({ clean }, 'stopped');
      });
  },
};

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    const signals = ['SIGINT', 'SIGTERM'] as const;
    const stop = () => {
      for (const signal of signals) process.removeListener(signal, stop);
      resolve();
    };
    for (const signal of signals) process.on(signal, stop);
  });
}

function shareOf(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('It must be between 0 and 1.');
  return value;
}

function levelOf(text: string): string {
  if (!LEVELS.includes(text)) throw new InvalidArgumentError(`It must be one of ${LEVELS.join(', ')}.`);
  return text;
}
