/**
 * gemm: square matrix products, the second matrix constant, as every contender has it in a dense layer without bias
 */
import { Network } from "./networks/network.js";
import { contestReport } from "./lib/suite.js";

const sizes = [256, 512, 1024];

/** @param {import("./lib/suite.js").Context} context */
export async function gemm(context) {
  const { add, done } = contestReport(context, "gemm", "C = A B, B constant.", [
    { title: "M", width: 5 },
    { title: "N", width: 6 },
    { title: "K", width: 6 },
  ]);
  for (const size of sizes) {
    const net = new Network(`gemm ${size}`, [size], size);
    net.dense(net.input, size, { bias: false });
    await add([size, size, size], net, { batch: size });
  }
  done();
}
