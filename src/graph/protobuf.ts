import { BinaryReader } from '@bufbuild/protobuf/wire';

/** Takes one field from the reader; false where it is not wanted, and it is passed over. */
export type Visit = (field: number, reader: BinaryReader) => boolean;

/** Walks over the fields of one protobuf message. */
export function readMessage(bytes: Uint8Array, visit: Visit): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (!visit(field, reader)) reader.skip(wire, field);
  }
}
