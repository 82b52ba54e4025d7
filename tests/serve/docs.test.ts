/** docs/serve.md: its program and its calls, as they are written there, for the fixture whose shapes they have. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { channelwise, fixture, Scratch, start } from "../cli/command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

const page = readFileSync(new URL("../../docs/serve.md", import.meta.url), "utf8");
/** The code in the page that holds a text, for another port. */
const code = (language: string, part: string, port: number) => {
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, text]) => text!);
  return blocks.find((text) => text.includes(part))!.replaceAll("8000", String(port));
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

const hasCurl = (await start("curl", ["--version"])).code === 0;

test.skipIf(!hasCurl)("the program serves what the calls ask for", async () => {
  mkdirSync(scratch.file("node_modules"));
  symlinkSync(fileURLToPath(new URL("../..", import.meta.url)), scratch.file("node_modules", "channelwise"), "dir");
  await channelwise("convert", fixture("activity-recognition-cnn"), scratch.file("motion.safetensors"));
  const port = await freePort();
  writeFileSync(scratch.file("server.mjs"), code("js", "listen(", port));
  const server = spawn(process.execPath, ["server.mjs"], { cwd: scratch.folder, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [said] = await once(server.stdout, "data");
    expect(String(said)).toBe(`http://127.0.0.1:${port}/v2/models/motion\n`);
    const { code: status, stdout } = await start("bash", ["-c", `set -e; ${code("sh", "curl", port)}`]);
    expect(status).toBe(0);
    const [described, answered] = stdout
      .replace("}{", "}\n{")
      .split("\n")
      .map((text) => JSON.parse(text));
    expect(described).toMatchObject({ name: "motion", inputs: [{ name: "accelerometer", shape: [-1, 20, 3] }] });
    const [output] = answered.outputs;
    expect(output).toMatchObject({ name: described.outputs[0].name, datatype: "FP32" });
    expect(output.data.reduce((sum: number, share: number) => sum + share, 0)).toBeCloseTo(1, 5);
  } finally {
    server.kill();
  }
});
