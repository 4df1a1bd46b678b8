import { parentPort, workerData } from 'node:worker_threads';
import type { Dataset } from '../../data/dataset.js';
import { TwoTowerError } from '../../errors.js';
import { doJob, type Job } from './job.js';
import type { FromWorker, ToWorker } from './lane.js';

const port = parentPort!;
const dataset = workerData as Dataset;
const tell = (message: FromWorker) => port.postMessage(message);
let stop = new AbortController();

port.on('message', (message: ToWorker) => {
  if (message.type === 'do') void work(message.job);
  else if (message.type === 'stop') stop.abort();
  // Without its port the thread ends by itself.
  else port.close();
});

async function work(job: Job): Promise<void> {
  stop = new AbortController();
  try {
    const onEvent = (event: Parameters<Parameters<typeof doJob>[2]['onEvent']>[0]) => tell({ type: 'event', event });
    tell({ type: 'done', result: await doJob(job, dataset, { onEvent, signal: stop.signal }) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    tell({
      type: 'failed',
      message,
      ...(error instanceof TwoTowerError && { code: error.code, remedy: error.remedy }),
    });
  }
}
