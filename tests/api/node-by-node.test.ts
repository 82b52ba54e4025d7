/** A model run node by node, as large ones are for a proof, gives the bits that it gives in one piece. */
import { expect, test } from "vitest";
import { randomInputs } from "../../src/api/random.ts";
import { Engine, type EngineValue } from "../../src/backends/wasm/engine.ts";
import { NodeResults } from "../../src/backends/wasm/node-results.ts";
import { kernelModule } from "../../src/platform/kernels.ts";
import { caseNames, loadCase } from "../support/fixtures.ts";

test.each(caseNames)("%s", (name) => {
  const graph = loadCase(name).graph();
  const engine = new Engine(graph, kernelModule(), null, "direct");
  const inputs = randomInputs(graph, 3, 5);
  const given = [inputs.map(({ data }) => data), inputs.map(({ shape }) => shape)] as const;
  const known = new NodeResults();
  const whole = engine.runAll(...given, undefined, false);
  const pieces = engine.runAll(...given, known, true);
  expect([...pieces.keys()]).toEqual([...whole.keys()]);
  const fresh = new Engine(graph, kernelModule(), null, "direct", false);
  const answers = (outputs: EngineValue[]) => outputs.map(({ data, axes }) => [Buffer.from(data.buffer), axes]);
  const wanted = answers(engine.run(...given));
  expect(answers(fresh.runOnce(...given, undefined, true))).toEqual(wanted);
  // What the source's nodes gave is not computed again.
  expect(answers(fresh.runOnce(...given, known, true))).toEqual(wanted);
  expect(fresh.memoryBytes).toBe(0);
  for (const [value, { data, axes }] of whole) {
    const other = pieces.get(value)!;
    expect(other.axes).toEqual(axes);
    expect(Buffer.compare(Buffer.from(other.data.buffer), Buffer.from(data.buffer)), String(value)).toBe(0);
  }
});
