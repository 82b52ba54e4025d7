/**
 * predict: what a model says of one series
 *
 *     node predict.js [model]        any model file that channelwise reads; motion.safetensors by default
 *
 * Prints one line of JSON: the output's name and numbers.
 */
import { load } from "channelwise";

const model = await load(process.argv[2] ?? new URL("motion.safetensors", import.meta.url));
const [input] = model.inputs;
const size = input.shape.slice(1).reduce((all, axis) => all * axis, 1);

// A slow wave, in the order of the input's layout: of NLC, all channels of one step after those of the step before.
const signal = Float32Array.from({ length: size }, (_, index) => Math.sin(index / 10));
const { data } = model.predict(signal);

console.log(JSON.stringify({ [model.outputs[0].name]: Array.from(data) }));
model.dispose();
