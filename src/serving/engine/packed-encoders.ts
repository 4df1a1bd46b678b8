import type { EncoderState } from '../../data/dataset.js';
import { type PackedKeys, packKeys } from './packed-keys.js';

/** An encoder state whose vocabularies, by far its largest part, lie in memory that all threads see. */
export interface PackedEncoders extends Omit<EncoderState, 'vocabularies'> {
  vocabularies: Record<string, PackedKeys>;
}

export function packEncoders({ vocabularies, ...rest }: EncoderState): PackedEncoders {
  const packed = Object.entries(vocabularies).map(([name, { values }]) => [name, packKeys(['', ...values])]);
  return { ...rest, vocabularies: Object.fromEntries(packed) };
}
