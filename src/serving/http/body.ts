import type { z } from 'zod';
import { problemsOf } from '../../yaml.js';
import type { CandidateKeys } from '../contract.js';
import { decodeFrame, FrameError } from './frame.js';
import { Problem } from './problem.js';
import { type RankHead, rankHead } from './schemas.js';

/** Says what is wrong where there is more wrong with a body than one would read. */
const LONGEST_MESSAGE = 500;

/** A body that fits its schema. @throws Problem BODY_INVALID with the JSON path of what does not: an unknown key, or the first thing */
export function validBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const problems = problemsOf(result.error, schema, body);
  // A misnamed key is why another one is missing.
  const first = problems.find(({ message }) => message.startsWith('unknown key')) ?? problems[0]!;
  const path = jsonPath(first.path);
  const message = `${path === '' ? 'the body' : path}: ${first.message}`.slice(0, LONGEST_MESSAGE);
  throw new Problem('BODY_INVALID', message, path.slice(0, LONGEST_MESSAGE));
}

/** What a binary `/v1/rank` asks. @throws Problem BODY_MALFORMED, BODY_INVALID */
export function rankFrame(bytes: Uint8Array): RankHead & { candidates: CandidateKeys } {
  const { head, arrays } = frameOf(bytes);
  const { candidates, ...others } = arrays;
  if (candidates === undefined || Object.keys(others).length > 0) {
    throw new Problem('BODY_INVALID', 'the frame needs one array, named candidates', 'arrays');
  }
  if (candidates instanceof Float32Array) {
    throw new Problem(
      'BODY_INVALID',
      'candidates: float32 holds whole numbers up to 16,777,216 only; send int32 or float64',
      'arrays[0].type',
    );
  }
  if (candidates instanceof Float64Array) {
    const at = candidates.findIndex((key) => !Number.isSafeInteger(key));
    if (at >= 0)
      throw new Problem('BODY_INVALID', `candidates[${at}]: ${candidates[at]} is no whole number`, `candidates[${at}]`);
  }
  return { ...validBody(rankHead, head), candidates };
}

function frameOf(bytes: Uint8Array) {
  try {
    return decodeFrame(bytes);
  } catch (error) {
    if (error instanceof FrameError) throw new Problem('BODY_MALFORMED', error.message);
    throw error;
  }
}

function jsonPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}
