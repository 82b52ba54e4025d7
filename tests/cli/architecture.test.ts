/** --architecture FILE: weights alone take their architecture from a model file or from its configuration. */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { channelwise, fixture, json, member, Scratch } from "./command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

const name = "ecg-residual-network";
const weights = scratch.write("model.weights.h5", member(fixture(name), "model.weights.h5"));
const config = scratch.write("config.json", member(fixture(name), "config.json"));

describe.concurrent("--architecture", () => {
  test("run gives the same bits", async () => {
    const out = (of: string) => scratch.file(`${of}.npz`);
    const run = (of: string, ...args: readonly string[]) =>
      json("run", ...args, "--input", fixture(name, "inputs.npz"), "--output", out(of));
    await Promise.all([
      run("whole", fixture(name)),
      run("by-keras", weights, "--architecture", fixture(name)),
      run("by-config", weights, "--architecture", config),
    ]);
    expect(readFileSync(out("by-keras"))).toEqual(readFileSync(out("whole")));
    expect(readFileSync(out("by-config"))).toEqual(readFileSync(out("whole")));
  });

  test("inspect, verify, explain and convert take it too", async () => {
    const architecture = ["--architecture", config];
    const [inspected, verified, explained, converted, whole] = await Promise.all([
      json("inspect", weights, ...architecture),
      json("verify", weights, ...architecture),
      json("explain", weights, ...architecture),
      json("convert", weights, scratch.file("converted"), ...architecture),
      json("inspect", fixture(name)),
    ]);
    expect(inspected.layers).toEqual(whole.layers);
    expect(verified.agrees).toBe(true);
    expect(explained.outputs).toHaveLength(whole.outputs.length);
    expect(converted.report.agrees).toBe(true);
  });

  test("beside a file with a model of its own is taken, and told of", async () => {
    const { code, stderr } = await channelwise("inspect", fixture(name), "--architecture", fixture(name));
    const { notes } = await json("inspect", fixture(name), "--architecture", fixture(name));
    expect([code, stderr]).toEqual([0, ""]);
    expect(notes).toEqual([expect.stringMatching(/model\.keras has a model of its own, which is not read: /)]);
  });

  test("weights of layers with other names are taken by their places, as Keras takes them, and told of", async () => {
    const text = readFileSync(config, "utf8").replaceAll(/"(conv1d|dense|batch_normalization)(_\d+)?"/g, '"my_$1$2"');
    const renamed = scratch.write("renamed.json", text);
    const out = scratch.file("renamed.npz");
    const args = ["--input", fixture(name, "inputs.npz"), "--output", out];
    const { code, stderr } = await channelwise("run", weights, "--architecture", renamed, ...args);
    expect(stderr).toMatch(
      /^weights are taken by their places, as Keras' load_weights does: expected the variables of layer my_/m,
    );
    expect(code).toBe(0);
    const whole = scratch.file("not-renamed.npz");
    await json("run", fixture(name), "--input", fixture(name, "inputs.npz"), "--output", whole);
    expect(readFileSync(out)).toEqual(readFileSync(whole));
  });

  const refused = async (message: RegExp, ...args: readonly string[]) => {
    const { code, stderr } = await channelwise("inspect", ...args);
    expect(stderr).toMatch(message);
    expect(stderr.match(/channelwise:/g)).toHaveLength(1);
    expect(code).toBe(3);
  };
  test("is asked for where it is missing", () => refused(/--architecture/, weights));
  test("of another model is refused", () =>
    refused(/missing-weight|shape-mismatch/, weights, "--architecture", fixture("wavenet-gated")));
  test("that is no architecture is refused", () =>
    refused(/channelwise: (?!internal)/, weights, "--architecture", scratch.write("list.json", "[1, 2]")));
  test("that is not there is refused", () =>
    refused(/cannot read .*nowhere\.json/, weights, "--architecture", scratch.file("nowhere.json")));
});
