/**
 * report: tells the server that the page came from what was found in a place of it
 *
 * @param {string} place @param {Promise<string> | string} text
 */
export async function report(place, text) {
  let lines;
  try {
    lines = await text;
  } catch (error) {
    lines = `FAIL ran to its end: ${error}`;
  }
  await fetch("/report", { method: "POST", body: JSON.stringify({ place, lines }) });
}
