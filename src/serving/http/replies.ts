import type { AnswerBase, CandidateKeys, RankAnswer, RecommendAnswer, StoredUser } from '../contract.js';
import type { RecommendReply, UserReply } from './answers.js';
import { encodeFrame } from './frame.js';
import { JsonNumbers } from './json-numbers.js';

/** Digits that matter: half as many bytes as a float32 written out as a double, and less than the engine's own tolerance. */
const DECIMALS = 1e6;
/** For one answer after the other: each is written at once, and asking for the memory anew takes as long as writing. */
const json = new JsonNumbers(1 << 16);

/** NaN and infinity become null, as JSON has neither. */
function jsonScore(score: number): number | null {
  return Number.isFinite(score) ? Math.round(score * DECIMALS) / DECIMALS : null;
}

function jsonScores(scores: Float32Array): (number | null)[] {
  const list = new Array<number | null>(scores.length);
  for (let i = 0; i < scores.length; i++) list[i] = jsonScore(scores[i]!);
  return list;
}

function base(requestId: string, { version, phases, degraded, stale, userKnown, timing, explain }: AnswerBase) {
  return {
    requestId,
    version,
    phases: phases.map((one) => ({ ...one, ms: jsonScore(one.ms)! })),
    degraded,
    ...(stale !== undefined && { stale }),
    userKnown,
    timing: { queueMs: jsonScore(timing.queueMs)!, totalMs: jsonScore(timing.totalMs)! },
    ...(explain !== undefined && {
      explain: explain.map((trace) => ({ ...trace, scores: jsonScores(trace.scores) })),
    }),
  };
}

export function recommendReply(requestId: string, answer: RecommendAnswer): RecommendReply {
  const items = answer.items.map(({ item, score, phase }) => ({ item, score: jsonScore(score), phase }));
  return { ...base(requestId, answer), items };
}

/** The answer as JSON: a `RankReply`. Its lists are long, and on the path of the heaviest requests. */
export function rankReply(requestId: string, candidates: CandidateKeys, answer: RankAnswer): Buffer {
  const { order, scores, phase, unknown } = answer;
  const head = JSON.stringify({ ...base(requestId, answer), phase: phase ?? null, unknown });
  json.text(head.slice(0, -1));
  json.text(',"items":');
  json.keys(candidates, order);
  json.text(',"scores":');
  json.scores(scores);
  json.text('}');
  return json.done();
}

/** The compact answer: arrays `order` (uint32, positions in the request's candidates) and `scores` (float32, exact). */
export function rankFrameReply(requestId: string, answer: RankAnswer): Uint8Array {
  const { order, scores, phase, unknown } = answer;
  return encodeFrame({
    head: { ...base(requestId, answer), phase: phase ?? null, unknown },
    arrays: { order, scores },
  });
}

export function userReply({ key, values, histories }: StoredUser): UserReply {
  const timed = Object.entries(histories).map(([name, events]) => {
    return [name, events.map(({ item, time }) => ({ item, time: Number.isFinite(time) ? time : null }))];
  });
  return { key, values, histories: Object.fromEntries(timed) };
}
