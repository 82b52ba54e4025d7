/**
 * race: times contenders against each other in turns
 *
 *   round 1   A B C        one sample each: as many calls as last a few milliseconds
 *   round 2   B C A        the machine's clock drifts within a second, so a ratio is taken within a round
 *   round 3   C A B
 *
 * benchmark.js runs one contender to its end before the next, and its asynchronous tests wait for a timer; so it times the
 * kernels alone (kernels.js), and this file what is compared.
 */

/** @typedef {() => unknown} Run */
/**
 * @typedef {object} Result
 * @property {number} seconds per call, the median of all samples
 * @property {number} best seconds per call in the best sample
 * @property {number} ratio how often the first contender's time fits in: the median over the rounds
 */

/**
 * @param {readonly Run[]} contenders
 * @param {{ seconds: number, rounds?: number, sampleSeconds?: number }} effort `seconds` for all contenders together; at
 *   least `rounds` rounds, or three where those would take ten times as long
 * @returns {Promise<Result[]>} in the order of the contenders
 */
export async function race(contenders, { seconds, rounds = 5, sampleSeconds = 0.005 }) {
  const calls = [];
  for (const run of contenders) calls.push(await warmUp(run, seconds / 5 / contenders.length, sampleSeconds));
  /** @type {number[][]} */
  const samples = contenders.map(() => []);
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  for (
    let round = 0;
    elapsed() < seconds * 0.8 || round < Math.min(rounds, elapsed() > seconds * 10 ? 3 : rounds);
    round++
  ) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const place = (round + turn) % contenders.length;
      samples[place].push(await sample(contenders[place], calls[place]));
    }
  }
  return samples.map((times) => ({
    seconds: median(times),
    best: Math.min(...times),
    ratio: median(times.map((time, round) => time / samples[0][round])),
  }));
}

/** Runs until the runtime has compiled its best code; gives the calls that make a sample. @param {Run} run @param {number} seconds @param {number} sampleSeconds */
async function warmUp(run, seconds, sampleSeconds) {
  const start = performance.now();
  let each = Infinity;
  do each = Math.min(each, await sample(run, 1));
  while (performance.now() - start < seconds * 1000);
  return Math.max(1, Math.ceil(sampleSeconds / Math.max(each, 1e-7)));
}

/** Seconds per call. @param {Run} run @param {number} calls */
async function sample(run, calls) {
  const start = performance.now();
  for (let call = 0; call < calls; call++) {
    const result = run();
    if (result instanceof Promise) await result;
  }
  return (performance.now() - start) / 1000 / calls;
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
