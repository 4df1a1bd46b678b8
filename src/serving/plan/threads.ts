import { MOST_MS as SHORT_WAY_MS } from '../engine/short-way.js';
import { type Figure, figure, measure, ms, short } from './figure.js';
import type { Rates } from './rates.js';
import type { SubjectPhase } from './subject.js';

/** What the threads of a server do for a request. */
export interface ThreadWork {
  /** Milliseconds of a worker thread, and of the thread that speaks HTTP, rankings that it does itself included. */
  worker: Figure;
  service: Figure;
  /** Milliseconds on the way between client, threads and back, on an idle machine. */
  handoff: Figure;
}

/** A kind of requests: the phases they pass, and how many items the answer has, or candidates the ranking. */
export interface AskedKind {
  kind: 'recommend' | 'rank';
  phases: readonly SubjectPhase[];
  count: number;
}

/**
 * Who does what of a request: workers do the phases, the service's thread the rest; but short rankings of users whose state is kept
 * it does itself. Somewhat longer ones, which it does while it is at rest, are taken as the workers'.
 */
export function threadsOf(
  rates: Rates,
  asked: AskedKind,
  works: readonly { phase: string; model: string; list: Figure; total: Figure }[],
  cached: number,
  bytes: Figure,
): ThreadWork {
  const { handoffMs, handoffMsPerByte, workerHandoffMs } = rates.service;
  const [first] = works;
  const { list, model } = first!;
  const isShort = asked.kind === 'rank' && !asked.phases[0]!.cost.rerank && list.value <= SHORT_WAY_MS;
  const own = isShort ? cached : 0;
  const { workerMs } = rates.service[asked.kind];
  const messages = (1 - own) * workerMs;
  const all = works.reduce((sum, { total }) => sum + total.value, messages);
  const phases = [
    ...works.map(({ phase, total }) => `${phase} ${ms(total.value)}`),
    ...(messages === 0 ? [] : [`messages ${ms(messages)}`]),
  ].join(' + ');
  const service = serviceWork(rates, asked, cached);
  const handoff = figure(
    handoffMs + handoffMsPerByte * bytes.value + (1 - own) * workerHandoffMs,
    'ms',
    `${ms(handoffMs)} + ${measure(bytes.value, 'B')} × ${short(handoffMsPerByte)} ms + ${own === 0 ? '' : `${short(1 - own)} × `}${ms(workerHandoffMs)} for a worker`,
  );
  if (own === 0) return { worker: figure(all, 'ms', phases), service, handoff };
  const done = own * list.value;
  const share = own === 1 ? '' : `${short(own)} × `;
  return {
    worker: figure(Math.max(0, all - done), 'ms', `${phases}, less ${share}${ms(list.value)}: too short to hand over`),
    service: figure(service.value + done, 'ms', `${service.formula} + ${share}${ms(list.value)} ${model}`),
    handoff,
  };
}

function serviceWork({ service, models }: Rates, { kind, phases, count }: AskedKind, cached: number): Figure {
  const { fixedMs, perEachMs } = service[kind];
  const encode = phases.reduce((sum, { phase }) => sum + (models[phase]?.encodeMs ?? 0), 0);
  return figure(
    fixedMs + perEachMs * count + (1 - cached) * encode,
    'ms',
    `${ms(fixedMs)} + ${short(count)} × ${ms(perEachMs)} + ${short(1 - cached)} uncached × ${ms(encode)} encoding`,
  );
}
