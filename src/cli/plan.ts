import { fileURLToPath } from 'node:url';
import { InvalidArgumentError } from 'commander';
import { TwoTowerError } from '../errors.js';
import { PHASES, type Phase } from '../serving/contract.js';
import { type Figure, shown } from '../serving/plan/figure.js';
import { measureRates } from '../serving/plan/measure.js';
import { openSubject } from '../serving/plan/open-subject.js';
import type { PlanInput } from '../serving/plan/options.js';
import { checkPlan, type Plan, plan as planFor } from '../serving/plan/plan.js';
import { type Rates, readRates, writeRates } from '../serving/plan/rates.js';
import { spawnServer } from '../serving/plan/spawn.js';
import type { Subject } from '../serving/plan/subject.js';
import { count } from './format.js';
import { collect, examples, wholeNumber } from './options.js';
import type { Output } from './output.js';
import { table } from './table.js';
import type { Verb } from './verb.js';

interface Options {
  items?: number;
  rate: number;
  latency: number;
  keep?: string[];
  k?: number;
  candidates?: number;
  cached: number;
  replicas?: number;
  cores?: number;
  mostCores: number;
  memory?: number;
  utilisation: number;
  rates?: string;
}

export const plan: Verb = {
  register(program, output) {
    program
      .command('plan')
      .description('cores, memory, network and build time for a load, each with its formula')
      .argument('<path>', 'run folder, cascade (YAML) or store')
      .option('--items <n>', 'items in the catalogue (default: as many as are known today)', wholeNumber(1))
      .option('--rate <n>', 'requests a second, all replicas together', number(0), 100)
      .option('--latency <ms>', 'milliseconds that 99 of 100 requests may take', number(0), 50)
      .option('--keep <phase=n>', 'N1, N2, N3: how many items a phase hands on; may be repeated', collect)
      .option('-k <n>', 'items of an answer (default: what the last phase hands on)', wholeNumber(1))
      .option('--candidates <n>', 'plan rankings of so many given candidates instead', wholeNumber(1))
      .option('--cached <share>', 'share of the requests whose user state is still there', number(0, 1), 0)
      .option('--replicas <n>', 'servers behind a balancer (default: as few as do)', wholeNumber(1))
      .option('--cores <n>', 'cores of one server (default: as few as do)', wholeNumber(2))
      .option('--most-cores <n>', 'cores that a server can have at most', wholeNumber(2), 32)
      .option('--memory <GiB>', 'memory of one server (default: that of the measured machine)', number(0))
      .option('--utilisation <share>', 'share of the time that threads may be busy', number(0, 1), 0.7)
      .option(
        '--rates <file>',
        'rates of a machine: read where the file is there, else measured here and written to it',
      )
      .addHelpText(
        'after',
        examples(
          'twotower plan store --items 1e6 --rate 500 --latency 30 --rates rates.json',
          'twotower plan cascade.yaml --keep retrieve=1000 --keep prerank=200 --replicas 4',
          'twotower plan runs/ranktower-kuairand-1 --candidates 1000 --rate 2000',
        ),
      )
      .action(async (path: string, options: Options) => {
        const input = inputOf(options);
        const known = options.rates === undefined ? undefined : await readRates(options.rates);
        const subject = await openSubject(path, output.warn);
        try {
          // Before some seconds go by in vain.
          checkPlan(subject, input);
          const rates = known ?? (await measured(subject, options.rates, output));
          const made = planFor(subject, rates, input);
          for (const note of made.notes) output.warn(note);
          output.result({ ...made, rates }, () => planText(made, rates));
        } finally {
          await subject.release();
        }
      });
  },
};

function inputOf(options: Options): PlanInput {
  const keep: Partial<Record<Phase, number>> = {};
  for (const text of options.keep ?? []) {
    const [, phase, value] = /^(\w+)=(\d+)$/.exec(text) ?? [];
    if (phase === undefined || !(PHASES as readonly string[]).includes(phase) || Number(value) < 1) {
      throw new TwoTowerError('USAGE', `--keep ${text}`, `Write --keep rank=20; phases are ${PHASES.join(', ')}.`);
    }
    keep[phase as Phase] = Number(value);
  }
  const { items, rate, latency, k, candidates, cached, replicas, cores, mostCores, memory, utilisation } = options;
  return {
    items,
    requestsPerSecond: rate,
    latencyMs: latency,
    keep,
    k,
    candidates,
    cached,
    replicas,
    cores,
    mostCores,
    memoryGiB: memory,
    utilisation,
  };
}

async function measured(subject: Subject, file: string | undefined, output: Output): Promise<Rates> {
  const progress = output.progress();
  try {
    const main = fileURLToPath(new URL('./main.js', import.meta.url));
    const rates = await measureRates(subject, {
      serve: (store) => spawnServer(main, store),
      onProgress: (stage) => progress.update(() => stage),
    });
    if (file !== undefined) await writeRates(file, rates);
    return rates;
  } finally {
    progress.done();
  }
}

function planText(
  { origin, options, itemsFrom, request, fleet, storage, network, here, limits }: Plan,
  rates: Rates,
): string {
  const { load } = fleet;
  const line = (name: string, figure: Figure) => [name, shown(figure), figure.formula];
  const phases = request.phases.flatMap(({ phase, model, in: entered, kept, user, search, list }) => [
    [phase, model, `${count(entered)} → ${count(kept)}`, 'user', shown(user), user.formula],
    ...(search === undefined ? [] : [['', '', '', 'search', shown(search), search.formula]]),
    ['', '', '', 'list', shown(list), list.formula],
  ]);
  const busy = (share: number) => `${(100 * share).toFixed(0)} %`;
  return [
    `${origin}: ${count(options.items)} items (${itemsFrom}), ${options.requestsPerSecond} requests/s, 99 of 100 within ${options.latencyMs} ms`,
    '',
    table([['phase', 'model', 'items', 'part', 'time', 'formula'], ...phases]),
    '',
    table([
      ['a request', '', 'formula'],
      line('worker', request.worker),
      line('service', request.service),
      line('on the wire', request.bytes),
    ]),
    '',
    table([
      ['servers', '', 'formula'],
      [
        'replicas',
        count(fleet.replicas),
        `service ${busy(load.service.utilisation)} busy, workers ${busy(load.worker.utilisation)}`,
      ],
      ['cores of each', count(fleet.cores), `1 for the service, ${load.workers} for workers`],
      line('latency, mean', load.mean),
      line('latency, p99', load.p99),
      line('memory of each', storage.memory),
      line('network, all', network),
    ]),
    '',
    table([
      ['a version, one core', '', 'formula'],
      ...storage.encode.map(({ phase, time }) => line(`states of ${phase}`, time)),
      ...(storage.link === undefined ? [] : [line('index', storage.link)]),
      line('its size', storage.artifact),
      ...(storage.tables.value === 0 ? [] : [line('tables in training', storage.tables)]),
    ]),
    '',
    table([
      ['nearest to breaking', 'now', 'at most', 'share', 'what to change'],
      ...limits
        .slice(0, 4)
        .map(({ what, now, most, ratio, remedy }) => [what, shown(now), shown(most), busy(ratio), remedy]),
    ]),
    '',
    fleet.suffices
      ? `${count(fleet.replicas)} × ${count(fleet.cores)} cores suffice.`
      : `${count(fleet.replicas)} × ${count(fleet.cores)} cores do not suffice: see what is nearest to breaking.`,
    `The measured machine (${rates.cores} cores, ${rates.machine.cpu}) takes ${shown(here)} at most: ${here.formula}.`,
  ].join('\n');
}

/** A number above `from`, or from it on where there is an upper bound, too. */
function number(from: number, to?: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    const fits = to === undefined ? value > from : value >= from && value <= to;
    if (text.trim() === '' || !Number.isFinite(value) || !fits) {
      throw new InvalidArgumentError(
        to === undefined ? `It must be a number above ${from}.` : `It must be a number from ${from} to ${to}.`,
      );
    }
    return value;
  };
}
