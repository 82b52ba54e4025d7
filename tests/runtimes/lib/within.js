/**
 * within: what a promise comes to, or an error where that takes too long
 */

/** @template T @param {number} seconds @param {Promise<T>} promise @returns {Promise<T>} */
export async function within(seconds, promise) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${seconds} s`)), seconds * 1000);
  });
  try {
    return await /** @type {Promise<T>} */ (Promise.race([promise, late]));
  } finally {
    clearTimeout(timer);
  }
}
