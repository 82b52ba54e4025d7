/**
 * btree: trees of version 1, which index the names of a group and the chunks of a dataset.
 *
 *   "TREE" | node type u8 | level u8 | entries u16 | left, right sibling | key 0 | child 0 | key 1 | child 1 | … | key n
 *
 * The level falls by one from node to child, so a walk ends; siblings are not followed.
 *
 * Source  section III.A.1
 */
import { corruptFile } from "../../error.ts";
import type { Cursor } from "../cursor.ts";
import type { FileImage } from "./image.ts";

/** What the tree indexes: the names of a group, or the chunks of a dataset. */
export const treeType = { group: 0, chunks: 1 } as const;

export interface TreeKind {
  readonly nodeType: number;
  readonly keyBytes: number;
}

/** Calls `visit` for every entry of the leaves, in order, with a cursor on the entry's key and its child's address. */
export function walkTree(
  image: FileImage,
  address: number,
  kind: TreeKind,
  place: readonly string[],
  visit: (key: Cursor, child: number) => void,
  parentLevel?: number,
): void {
  const headBytes = 8 + 2 * image.addressBytes;
  const head = image.peek(address, headBytes, "a B-tree node", place);
  head.expect("TREE", "a B-tree node");
  const [nodeType, level, entries] = [head.u8(), head.u8(), head.u16()];
  if (nodeType !== kind.nodeType || (parentLevel !== undefined && level !== parentLevel - 1)) {
    throw corruptFile(`a B-tree node of type ${nodeType}, level ${level}, below level ${parentLevel ?? "none"}`, place);
  }
  const entryBytes = kind.keyBytes + image.addressBytes;
  const node = image.claim(address, headBytes + entries * entryBytes, "a B-tree node", place);
  node.skip(headBytes);
  for (let entry = 0; entry < entries; entry++) {
    const key = image.peek(node.skip(kind.keyBytes), kind.keyBytes, "a key", place);
    const child = image.requiredAddress(node, "a B-tree's child");
    if (level === 0) visit(key, child);
    else walkTree(image, child, kind, place, visit, level);
  }
}
