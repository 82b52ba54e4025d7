/**
 * object-header: the list of messages that describes one group or dataset.
 *
 *   version 1   1 | 0 | messages: u16 | references: u32 | block size: u32 | pad to 16 | messages
 *               message: type u16, size u16, flags u8, 3 reserved, data
 *   version 2   "OHDR" | 2 | flags | [times 4 x u32] | [limits 2 x u16] | block size: 1, 2, 4 or 8 bytes | messages | checksum
 *               message: type u8, size u16, flags u8, [creation order u16], data
 *
 * Either goes on in further blocks, which message 0x10 points to; those of version 2 have "OCHK" in front and a checksum behind.
 *
 * Source  sections IV.A.1.a (version 1), IV.A.1.b (version 2), IV.A.2.q (continuation)
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import { Cursor } from "../cursor.ts";
import { verifyLookup3 } from "./checksum.ts";
import type { FileImage } from "./image.ts";

/** The message types that are read here, by their number in section IV.A.2. */
export const messageType = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  oldFillValue: 0x04,
  fillValue: 0x05,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

/** Highest number in section IV.A.2; a message beyond it may say that nobody can read the object without knowing it. */
const lastKnownType = 0x18;
const mustKnowFlag = 0x80;
const sharedFlag = 0x02;

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly data: Uint8Array;
}

/** The messages of one object. */
export interface ObjectHeader {
  readonly messages: readonly Message[];
  readonly place: readonly string[];
}

/** Reads the object header at `address` with all its continuations. */
export function readObjectHeader(image: FileImage, address: number, place: readonly string[]): ObjectHeader {
  const messages: Message[] = [];
  const start = image.peek(address, 16, "an object header", place);
  const version = start.u8();
  const continuations: { address: number; sizeBytes: number }[] = [];
  const collect = (message: Message): void => {
    if (message.type > lastKnownType && message.flags & mustKnowFlag) {
      throw unsupportedFeature(`an HDF5 message of type ${message.type}`, place);
    }
    if (message.type !== messageType.continuation) return void messages.push(message);
    const cursor = new Cursor(message.data, place);
    continuations.push({
      address: image.requiredAddress(cursor, "a header's continuation"),
      sizeBytes: image.length(cursor),
    });
  };

  if (version === 1) {
    start.skip(7);
    const block = image.claim(address, 16 + start.u32(), "an object header", place);
    block.skip(16);
    readMessages1(block, collect);
    for (let next = continuations.pop(); next; next = continuations.pop()) {
      readMessages1(image.claim(next.address, next.sizeBytes, "a header's continuation", place), collect);
    }
    return { messages, place };
  }

  start.position = address;
  start.expect("OHDR", "an object header");
  const [ohdrVersion, flags] = [start.u8(), start.u8()];
  if (ohdrVersion !== 2) throw unsupportedFeature(`HDF5 object header version ${ohdrVersion}`, place);
  const prefixBytes = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0) + (1 << (flags & 3));
  const prefix = image.peek(address, prefixBytes, "an object header", place);
  prefix.skip(prefixBytes - (1 << (flags & 3)));
  const blockBytes = prefixBytes + prefix.uint(1 << (flags & 3)) + 4;
  const block = image.claim(address, blockBytes, "an object header", place);
  block.skip(prefixBytes);
  readMessages2(block, address, flags, collect);
  for (let next = continuations.pop(); next; next = continuations.pop()) {
    const further = image.claim(next.address, next.sizeBytes, "a header's continuation", place);
    further.expect("OCHK", "a header's continuation");
    readMessages2(further, next.address, flags, collect);
  }
  return { messages, place };
}

function readMessages1(block: Cursor, collect: (message: Message) => void): void {
  while (block.remainingBytes >= 8) {
    const [type, sizeBytes, flags] = [block.u16(), block.u16(), block.u8()];
    block.skip(3);
    collect({ type, flags, data: block.take(sizeBytes) });
  }
}

/** A gap too small for a message may lie in front of the checksum. */
function readMessages2(block: Cursor, start: number, headerFlags: number, collect: (message: Message) => void): void {
  const orderBytes = headerFlags & 0x04 ? 2 : 0;
  const checksumStart = block.end - 4;
  const messages = new Cursor(block.bytes, block.place, block.position, Math.max(block.position, checksumStart));
  block.position = messages.end;
  verifyLookup3(block, start, "an object header");
  while (messages.remainingBytes >= 4 + orderBytes) {
    const [type, sizeBytes, flags] = [messages.u8(), messages.u16(), messages.u8()];
    messages.skip(orderBytes);
    collect({ type, flags, data: messages.take(sizeBytes) });
  }
}

/** A cursor on the first message of a type, or undefined; a message that points into another object is refused. */
export function findMessage(header: ObjectHeader, type: number, what: string): Cursor | undefined {
  const message = header.messages.find((candidate) => candidate.type === type);
  return message && messageCursor(message, header.place, what);
}

/** As `findMessage`, for a message without which the object has no meaning. */
export function requireMessage(header: ObjectHeader, type: number, what: string): Cursor {
  const found = findMessage(header, type, what);
  if (!found) throw corruptFile(`an HDF5 object without ${what}`, header.place);
  return found;
}

export function messageCursor(message: Message, place: readonly string[], what: string): Cursor {
  if (message.flags & sharedFlag) throw unsupportedFeature(`a shared HDF5 message (${what})`, place);
  return new Cursor(message.data, place);
}
