/**
 * fetched: the data folder where files are fetched, from whatever address it has
 *
 * @param {string | URL} folder
 */
export function fetched(folder) {
  const where = (name) => new URL(name, folder).href;
  return { where, read: async (name) => new Uint8Array(await (await fetch(where(name))).arrayBuffer()) };
}
