/**
 * dense: links and attributes in dense storage, where an object has more than fit its header: by default more than eight.
 *
 *   link info        0 | flags u8 (1: largest order u64) | heap | tree by name | [tree by order]
 *   attribute info   0 | flags u8 (1: largest order u16) | heap | tree by name | [tree by order]
 *   heap             the messages that would stand in the header, in a fractal heap
 *   tree by name     link       hash of the name u32 | id in the heap
 *                    attribute  id in the heap | flags of the message u8 | order u32 | hash of the name u32
 *
 * The tree by the order of creation holds the same ids once more, and is not read.
 *
 * Source  sections IV.A.2.c (link info), IV.A.2.v (attribute info), III.A.2 (types 5 and 8)
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import type { Cursor } from "../cursor.ts";
import { recordType, walkTree2 } from "./btree2.ts";
import { FractalHeap } from "./fractal-heap.ts";
import type { FileImage } from "./image.ts";
import type { Message } from "./object-header.ts";
import { messageType } from "./object-header.ts";

const tracked = 1;

/** How the two kinds differ: bytes of the largest order in the info, and of a record before and behind the id. */
const kinds = {
  link: { type: messageType.link, records: recordType.links, orderBytes: 8, before: 4, behind: 0 },
  attribute: { type: messageType.attribute, records: recordType.attributes, orderBytes: 2, before: 0, behind: 9 },
} as const;

/** The messages that `info` leads to; none where the header holds them. */
export function readDense(info: Cursor, kind: keyof typeof kinds, image: FileImage): Message[] {
  const { place } = info;
  const { type, records, orderBytes, before, behind } = kinds[kind];
  const version = info.u8();
  if (version !== 0) throw unsupportedFeature(`HDF5 info version ${version} (of ${kind}s)`, place);
  if (info.u8() & tracked) info.skip(orderBytes);
  const heapAddress = image.address(info);
  if (heapAddress === null) return [];
  const tree = image.requiredAddress(info, `the tree of ${kind}s`);
  const heap = new FractalHeap(image, heapAddress, place);
  const messages: Message[] = [];
  walkTree2(image, tree, records, place, (record) => {
    if (record.remainingBytes !== before + heap.idBytes + behind) {
      throw corruptFile(`records of ${record.remainingBytes} bytes for ids of ${heap.idBytes}`, place);
    }
    record.skip(before);
    const id = record.take(heap.idBytes);
    messages.push({ type, flags: behind > 0 ? record.u8() : 0, data: heap.object(id) });
  });
  return messages;
}
