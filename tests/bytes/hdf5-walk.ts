/** hdf5-walk: everything that src/bytes/hdf5 reads from a file, in the oracle's form. */
import type { Hdf5Dataset, Hdf5Group } from "../../src/bytes/hdf5/index.ts";
import { toFloat32 } from "../../src/bytes/numbers.ts";
import type { OracleObject } from "./hdf5-oracle.ts";

/** Reads every attribute and every number below `group`, by path; the group's own is "". */
export function walkHdf5(group: Hdf5Group): Map<string, OracleObject> {
  const found = new Map<string, OracleObject>();
  const visit = (object: Hdf5Group | Hdf5Dataset, path: string): void => {
    const attributes = new Map(object.attributes.names().map((name) => [name, object.attributes.get(name)]));
    if (object.kind === "dataset") {
      const half = object.dtype === "float16" || object.dtype === "bfloat16";
      const values = Array.from<number | bigint>(half ? toFloat32(object) : object.read());
      found.set(path, { kind: "dataset", shape: object.shape, values, attributes });
      return;
    }
    found.set(path, { kind: "group", shape: null, values: [], attributes });
    for (const [name, child] of object.children) visit(child, path === "" ? name : `${path}/${name}`);
  };
  visit(group, "");
  return found;
}
