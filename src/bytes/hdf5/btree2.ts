/**
 * btree2: trees of version 2, which index the names in dense storage, the huge objects of a heap, and the chunks of a dataset.
 *
 *   header     "BTHD" | 0 | type u8 | node size u32 | record size u16 | depth u16 | split, merge u8 | root
 *              | records of the root u16 | records of the tree: length | checksum
 *   leaf       "BTLF" | 0 | type u8 | records | checksum
 *   internal   "BTIN" | 0 | type u8 | records | one child more than records | checksum
 *   child      address | its records | where it is internal: the records of all below it
 *
 * The counts of a child have as many bytes as the largest one needs that fits into a node of its level. Nodes take the node size
 * whatever they hold; behind the checksum nothing is read.
 *
 * Source  section III.A.2; hdf5/src/H5B2hdr.c (H5B2__hdr_init) for the widths
 */
import { corruptFile } from "../../error.ts";
import { Cursor } from "../cursor.ts";
import { verifyLookup3 } from "./checksum.ts";
import { type FileImage, unsigned } from "./image.ts";

/** What a tree holds: the types of its records that are read here. */
export const recordType = { hugeObjects: 1, links: 5, attributes: 8, chunks: 10, filteredChunks: 11 } as const;

/** Levels below the root that are read: a node has two children or more, so more levels than that fit into no file. */
const deepest = 32;
const nodeFrameBytes = 4 + 1 + 1 + 4;

/** What holds for the nodes of one level; level 0 are the leaves. */
interface Level {
  readonly mostRecords: number;
  /** Records of a node and of all below it, at most. */
  readonly mostBelow: number;
  /** Address and counts of a child, in a node of this level. */
  readonly childBytes: number;
}

interface Tree {
  readonly image: FileImage;
  readonly place: readonly string[];
  readonly type: number;
  readonly nodeBytes: number;
  readonly recordBytes: number;
  readonly levels: readonly Level[];
  readonly visit: (record: Cursor) => void;
}

/** Calls `visit` for every record of the tree whose header is at `address`, in order, with a cursor on that record alone. */
export function walkTree2(
  image: FileImage,
  address: number,
  type: number,
  place: readonly string[],
  visit: (record: Cursor) => void,
): void {
  const headBytes = 22 + image.addressBytes + image.lengthBytes;
  const head = image.block(address, headBytes, "BTHD", "a B-tree", place);
  const foundType = head.u8();
  const [nodeBytes, recordBytes, depth] = [head.u32(), head.u16(), head.u16()];
  head.skip(2);
  const [root, rootRecords, totalRecords] = [image.address(head), head.u16(), image.length(head)];
  verifyLookup3(head, 0, "a B-tree");
  if (foundType !== type) throw corruptFile(`expected a B-tree of type ${type}, got ${foundType}`, place);
  if (root === null) {
    if (totalRecords > 0) throw corruptFile(`a B-tree of ${totalRecords} records without a root`, place);
    return;
  }
  if (recordBytes === 0 || depth > deepest) {
    throw corruptFile(`a B-tree of ${depth} levels, with records of ${recordBytes} bytes`, place);
  }
  let visited = 0;
  const counted = (record: Cursor): void => {
    visited++;
    visit(record);
  };
  const levels = describeLevels(image, nodeBytes, recordBytes, depth, place);
  const tree: Tree = { image, place, type, nodeBytes, recordBytes, levels, visit: counted };
  walkNode(tree, root, depth, rootRecords);
  if (visited !== totalRecords) {
    throw corruptFile(`expected ${totalRecords} records in a B-tree, got ${visited}`, place);
  }
}

function describeLevels(
  image: FileImage,
  nodeBytes: number,
  recordBytes: number,
  depth: number,
  place: readonly string[],
): Level[] {
  const roomBytes = nodeBytes - nodeFrameBytes;
  const leaf = Math.floor(roomBytes / recordBytes);
  const levels: Level[] = [{ mostRecords: leaf, mostBelow: leaf, childBytes: 0 }];
  for (let level = 1; level <= depth; level++) {
    const below = levels[level - 1]!.mostBelow;
    const childBytes = image.addressBytes + bytesFor(leaf) + (level > 1 ? bytesFor(below) : 0);
    const mostRecords = Math.floor((roomBytes - childBytes) / (recordBytes + childBytes));
    levels.push({ mostRecords, mostBelow: (mostRecords + 1) * below + mostRecords, childBytes });
  }
  const top = levels.at(-1)!;
  if (levels.some(({ mostRecords }) => mostRecords < 1) || !Number.isSafeInteger(top.mostBelow)) {
    throw corruptFile(`a B-tree of ${depth} levels, with nodes of ${nodeBytes} bytes`, place);
  }
  return levels;
}

/** Bytes that hold the integers up to `most`. */
function bytesFor(most: number): number {
  let bytes = 1;
  for (let rest = most; rest >= 256; rest = Math.floor(rest / 256)) bytes++;
  return bytes;
}

function walkNode(tree: Tree, address: number, level: number, records: number): void {
  const { image, place, recordBytes } = tree;
  const { mostRecords, childBytes } = tree.levels[level]!;
  if (records > mostRecords || (records === 0 && level > 0)) {
    throw corruptFile(`a B-tree node of ${records} records, where ${mostRecords} fit`, place);
  }
  const node = image.block(address, tree.nodeBytes, level === 0 ? "BTLF" : "BTIN", "a B-tree node", place);
  if (node.u8() !== tree.type) throw corruptFile("a B-tree node of another type than its tree", place);
  const start = node.skip(records * recordBytes);
  const children = node.skip(level === 0 ? 0 : (records + 1) * childBytes);
  verifyLookup3(node, 0, "a B-tree node");
  const visitChild = (index: number): void => {
    node.position = children + index * childBytes;
    const child = image.requiredAddress(node, "a B-tree's child");
    walkNode(tree, child, level - 1, unsigned(node, bytesFor(tree.levels[0]!.mostRecords)));
  };
  for (let index = 0; index < records; index++) {
    if (level > 0) visitChild(index);
    const record = start + index * recordBytes;
    tree.visit(new Cursor(node.bytes, place, record, record + recordBytes));
  }
  if (level > 0) visitChild(records);
}
