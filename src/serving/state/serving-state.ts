import type { ChangeReport, EngineHost, FeedbackEvent, ItemRow, Key, Stale, UserRow } from '../contract.js';

/** What changes are applied to. */
export type ChangeTarget = Pick<EngineHost, 'putItems' | 'deleteItems' | 'putUsers' | 'deleteUsers' | 'addEvents'>;

/** An event with when it came in and which answer it speaks of. */
export interface StoredEvent extends FeedbackEvent {
  user: string;
  item: string;
  time: number;
  /** Milliseconds since 1970. */
  received: number;
  requestId?: string;
}

/** How far what is served is from what is stored. */
export interface StateStatus {
  /** Present where answers may be older than they should be. */
  stale?: Stale;
  /** Stored changes that are not applied here yet. */
  behind: number;
  /** How often everything was read again because the changes in between were no longer there. */
  rebuilt: number;
}

/**
 * Items, users and events that came after a version was published. A change is stored before it is applied and answered; what is
 * stored is applied again to every version that is loaded, over what the version brings along.
 *
 * Changes throw SERVING_STATE where nothing was stored, and SERVING_UNCONFIRMED where it is not known whether it was.
 */
export interface ServingState {
  putItems(rows: readonly ItemRow[], target: ChangeTarget): Promise<ChangeReport>;
  deleteItems(keys: readonly Key[], target: ChangeTarget): Promise<ChangeReport>;
  putUsers(rows: readonly UserRow[], target: ChangeTarget): Promise<ChangeReport>;
  deleteUsers(keys: readonly Key[], target: ChangeTarget): Promise<ChangeReport>;
  addEvents(events: readonly StoredEvent[], target: ChangeTarget): Promise<ChangeReport>;
  /**
   * Applies everything stored to what was just loaded. What cannot be applied (a column that a new version does not know) is told
   * and left where it is.
   *
   * @throws SERVING_STATE where it cannot be read
   */
  replay(target: ChangeTarget, warn: (message: string) => void): Promise<{ rows: number }>;
  /** From now on applies what is stored, by whomever, to the target. */
  follow(target: ChangeTarget): void;
  /** Events received at `since` (milliseconds since 1970) or later, and perhaps some before, in the order in which they came. */
  eventsSince(since: number): AsyncGenerator<StoredEvent>;
  status(): StateStatus;
  /** Waits for the changes under way. */
  close(): Promise<void>;
}
