/**
 * random: seeded numbers, so that every contender gets the same weights and inputs, today and tomorrow
 */

/** Numbers in [0, 1) from a seed. Source: mulberry32 by Tommy Ettinger. @param {number} seed @returns {() => number} */
export function uniform(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** `count` normal numbers. @param {() => number} next @param {number} count @param {number} [deviation] @param {number} [mean] */
export function normal(next, count, deviation = 1, mean = 0) {
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - next()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * next());
  });
}
