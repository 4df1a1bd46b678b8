import type { FeedbackEvent, Phase } from '../contract.js';
import type { FunnelEntry } from './recorder.js';

/** A request as it waits for the feedback on it, as JSON. */
export interface PendingRequest {
  id: string;
  /** Seconds since 1970. */
  time: number;
  user: string;
  version: string;
  context: Record<string, unknown>;
  /** Every phase that ran: its items, best first, their scores, and how many went on. */
  phases: { phase: Phase; items: string[]; scores: (number | null)[]; kept: number }[];
  shown: string[];
}

/** One item of one request. */
export interface FunnelRow {
  request: number;
  request_id: string;
  version: string;
  user: string;
  item: string;
  time: number;
  stage: string;
  /** Place in the order of the last phase that scored it, 0 = best. */
  rank: number;
  score_retrieve: number | null;
  score_prerank: number | null;
  score_rank: number | null;
  /** JSON of the request's context. */
  context: string;
  /** JSON: the feedback that followed, by name. */
  feedback: string;
}

/** How far an item came: what the phase that kept it last makes of it, or that it was in the answer. */
export const STAGES = ['corpus', 'retrieved', 'preranked', 'ranked', 'shown'] as const;
const KEPT_BY: Record<Phase, (typeof STAGES)[number]> = { retrieve: 'retrieved', prerank: 'preranked', rank: 'ranked' };

/** What is kept of a request; undefined where there is no user or no phase to tell of. */
export function pendingOf({ id, time, request, answer }: FunnelEntry): PendingRequest | undefined {
  if (request.user === undefined || answer.explain === undefined) return undefined;
  return {
    id,
    time,
    user: String(request.user),
    version: answer.version,
    context: request.context ?? {},
    phases: answer.explain.map(({ phase, items, scores, kept }) => ({
      phase,
      items,
      scores: Array.from(scores, (score) => (Number.isFinite(score) ? Math.fround(score) : null)),
      kept,
    })),
    shown: answer.items.map(({ item }) => item),
  };
}

/** Feedback of users by what they saw: found by the answer it names, or else by user and item. */
export class FeedbackIndex {
  private readonly events = new Map<string, (FeedbackEvent & { time: number })[]>();

  add(event: FeedbackEvent & { time: number; requestId?: string }): void {
    const { requestId, user, item } = event;
    const key = JSON.stringify(
      requestId === undefined ? [String(user), String(item)] : [requestId, 'item', String(item)],
    );
    const list = this.events.get(key);
    if (list === undefined) this.events.set(key, [event]);
    else list.push(event);
  }

  /**
   * The feedback on an item of an answer, the largest value of each name: what names the answer, whenever it came, and what names
   * none, from the request on for `window` seconds.
   */
  on({ id, user, time }: PendingRequest, item: string, window: number): Record<string, number> {
    const exact = this.events.get(JSON.stringify([id, 'item', item])) ?? [];
    const loose = (this.events.get(JSON.stringify([user, item])) ?? []).filter(
      (event) => event.time >= time && event.time <= time + window,
    );
    const found: Record<string, number> = {};
    for (const { feedback } of [...exact, ...loose]) {
      for (const [name, value] of Object.entries(feedback)) found[name] = Math.max(found[name] ?? value, value);
    }
    return found;
  }
}

/** The rows of a request, one per item that any phase scored; feedback counts for what was shown. */
export function rowsOf(request: PendingRequest, feedback: FeedbackIndex, window: number): FunnelRow[] {
  const { id, time, user, version, context, phases, shown } = request;
  // 48 bits of a random id: a whole number that doubles hold, and that no two requests of a log share.
  const number = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
  const said = JSON.stringify(context);
  const rows = new Map<string, FunnelRow>();
  for (const { phase, items, scores, kept } of phases) {
    items.forEach((item, rank) => {
      let row = rows.get(item);
      if (row === undefined) {
        row = {
          request: number,
          request_id: id,
          version,
          user,
          item,
          time,
          stage: 'retrieved',
          rank,
          score_retrieve: null,
          score_prerank: null,
          score_rank: null,
          context: said,
          feedback: '{}',
        };
        rows.set(item, row);
      }
      row.rank = rank;
      row[`score_${phase}`] = scores[rank] ?? null;
      if (rank < kept) row.stage = KEPT_BY[phase];
    });
  }
  for (const item of shown) {
    const row = rows.get(item);
    if (row === undefined) continue;
    row.stage = 'shown';
    row.feedback = JSON.stringify(feedback.on(request, item, window));
  }
  return [...rows.values()];
}
