/**
 * refused: a page whose policy allows no WebAssembly is told what to allow
 */
import { load } from "../node_modules/channelwise/dist/run.js";
import { fetched } from "./fetched.js";
import { report } from "./report.js";

const { read } = fetched(new URL("../data/", import.meta.url));
const error = await load(await read("model.safetensors")).catch((error) => error);
const told = error.code === "unsupported-feature" && error.fix.includes("'wasm-unsafe-eval'");
await report(
  "page",
  told ? "ok is told what the policy has to allow" : `FAIL is told what the policy has to allow: ${error}`,
);
await report("end", "");
