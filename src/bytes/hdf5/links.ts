/**
 * links: the names in a group and the objects they lead to.
 *
 *   old style   symbol table message: B-tree, local heap. Leaves of the tree: "SNOD" | 1 | 0 | entries u16 | entries
 *               entry: name's offset in the heap | header's address | cache type u32 | 0 u32 | 16 bytes
 *               heap: "HEAP" | 0 | 0 0 0 | size | free list | address of the names
 *   new style   one link message each: 1 | flags | [kind u8] | [order u64] | [charset u8] | length of name | name | header's address
 *
 * h5py writes the old style, with libver="latest" or track_order the new one, where more than 8 links move into a heap of their
 * own (dense.ts). They lie there in no order, and are listed by their names, as h5py lists them.
 * Soft and external links are refused, as Keras does: a model file has no business pointing elsewhere.
 *
 * Source  sections III.B (SNOD), III.C (entries), III.D (local heap), IV.A.2.c (link info), IV.A.2.g (link), IV.A.2.r (symbol table)
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import type { Cursor } from "../cursor.ts";
import { printable } from "../printable.ts";
import { treeType, walkTree } from "./btree.ts";
import { readDense } from "./dense.ts";
import { decodeText } from "./global-heap.ts";
import type { FileImage } from "./image.ts";
import { findMessage, messageCursor, messageType, type ObjectHeader } from "./object-header.ts";

const cachedSoftLink = 2;

/** The addresses of a group's children by name, in the file's order where it has one. */
export function readLinks(header: ObjectHeader, image: FileImage): Map<string, number> {
  const links = new Map<string, number>();
  const add = (name: string, address: number): void => {
    if (name === "" || name.includes("/")) throw corruptFile(`a link named "${printable(name)}"`, header.place);
    if (links.has(name)) throw corruptFile(`two links are named "${printable(name)}"`, header.place);
    links.set(name, address);
  };
  const table = findMessage(header, messageType.symbolTable, "symbol table");
  if (table) readSymbolTable(table, image, add);
  const info = findMessage(header, messageType.linkInfo, "link info");
  const dense = info ? readDense(info, "link", image) : [];
  for (const message of [...header.messages, ...dense]) {
    if (message.type === messageType.link) readLink(messageCursor(message, header.place, "link"), image, add);
  }
  return dense.length > 0 ? new Map([...links].sort(([a], [b]) => (a < b ? -1 : 1))) : links;
}

function readSymbolTable(table: Cursor, image: FileImage, add: (name: string, address: number) => void): void {
  const { place } = table;
  const tree = image.requiredAddress(table, "a group's B-tree");
  const heapAddress = image.requiredAddress(table, "a group's local heap");
  const heap = image.claim(heapAddress, 8 + 2 * image.lengthBytes + image.addressBytes, "a local heap", place);
  heap.expect("HEAP", "a local heap");
  heap.skip(4);
  const namesBytes = image.length(heap);
  image.length(heap);
  const names = image
    .claim(image.requiredAddress(heap, "a local heap's data"), namesBytes, "a local heap's data", place)
    .take(namesBytes);
  let unnamedBytes = namesBytes;

  walkTree(image, tree, { nodeType: treeType.group, keyBytes: image.lengthBytes }, place, (_key, child) => {
    const head = image.peek(child, 8, "a symbol table node", place);
    head.expect("SNOD", "a symbol table node");
    head.skip(2);
    const entries = head.u16();
    const node = image.claim(child, 8 + entries * (2 * image.addressBytes + 24), "a symbol table node", place);
    node.skip(8);
    for (let entry = 0; entry < entries; entry++) {
      const offset = node.uint(image.addressBytes);
      const address = image.address(node);
      const cacheType = node.u32();
      node.skip(20);
      const end = offset < namesBytes ? names.indexOf(0, offset) : -1;
      unnamedBytes -= end - offset;
      if (end < 0 || unnamedBytes < 0) {
        throw corruptFile("a name outside of its group's heap", place);
      }
      const name = decodeText(names.subarray(offset, end), place);
      if (cacheType === cachedSoftLink || address === null) throw refusedLink(name, "soft", place);
      add(name, address);
    }
  });
}

function readLink(cursor: Cursor, image: FileImage, add: (name: string, address: number) => void): void {
  const [version, flags] = [cursor.u8(), cursor.u8()];
  if (version !== 1) throw unsupportedFeature(`HDF5 link version ${version}`, cursor.place);
  const kind = flags & 0x08 ? cursor.u8() : 0;
  if (flags & 0x04) cursor.skip(8);
  if (flags & 0x10) cursor.skip(1);
  const name = decodeText(cursor.take(cursor.uint(1 << (flags & 3))), cursor.place);
  if (kind !== 0) {
    throw refusedLink(name, kind === 1 ? "soft" : kind === 64 ? "external" : `kind ${kind}`, cursor.place);
  }
  add(name, image.requiredAddress(cursor, `the object ${printable(name)}`));
}

function refusedLink(name: string, kind: string, place: readonly string[]) {
  return unsupportedFeature(
    `the ${kind} link "${printable(name)}"`,
    place,
    "save the model anew, so that everything lies in its own place",
  );
}
