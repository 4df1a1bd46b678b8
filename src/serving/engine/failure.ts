import { type ErrorCode, TwoTowerError } from '../../errors.js';

/** An error on its way between threads. */
export interface Failure {
  message: string;
  code: string | undefined;
}

export function failureOf(error: unknown): Failure {
  return {
    message: error instanceof Error ? error.message : String(error),
    code: error instanceof TwoTowerError ? error.code : undefined,
  };
}

export function errorOf({ message, code }: Failure): Error {
  return code === undefined ? new Error(message) : new TwoTowerError(code as ErrorCode, message);
}
