/**
 * print: tables, numbers and progress for people
 */
import colors from "picocolors";

/** Rows as aligned columns, two spaces apart; the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row, index) => {
      const line = row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd();
      return index === 0 ? colors.dim(line) : line;
    })
    .join("\n");
}

/** A layout with its sizes: `NLC = (N, 128, 9)`. */
export function layoutAndShape(layout: string, shape: readonly (number | null)[]): string {
  return `${layout} = (${shape.map((size, index) => size ?? (index === 0 ? "N" : "?")).join(", ")})`;
}

/** A number with seven digits, what a float32 holds. */
export function digits(value: number): string {
  return String(Number(value.toPrecision(7)));
}

/** A difference with two digits. */
export function difference(value: number): string {
  return value === 0 ? "0" : value.toPrecision(2);
}

/** Prints the one JSON document of `--json`. Infinite differences have no number in JSON. */
export function printJson(value: unknown): void {
  const plain = (_key: string, entry: unknown) =>
    typeof entry === "number" && !Number.isFinite(entry)
      ? String(entry)
      : ArrayBuffer.isView(entry)
        ? Array.from(entry as Float32Array)
        : entry;
  console.log(JSON.stringify(value, plain, 2));
}

/** Work shorter than this shows no progress. */
const patienceMs = 1000;

/** A bar is not drawn more often than this. */
const frameMs = 50;

/**
 * A progress bar on stderr for work that takes longer than a second; nothing where stderr is not a terminal.
 *
 * @returns what to call as the work goes on, and what to call at its end
 */
export async function progress(
  title: string,
): Promise<{ update: (done: number, total: number) => void; stop: () => void }> {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  const { default: library } = await import("cli-progress");
  let started: number | undefined;
  const bar = new library.SingleBar(
    { stream: process.stderr, format: `${title} {bar} {percentage}%`, clearOnComplete: true, hideCursor: true },
    library.Presets.shades_classic,
  );
  let shown = false;
  let latest = 0;
  return {
    update(done, total) {
      const now = performance.now();
      started ??= now;
      if (now - started < patienceMs || now - latest < frameMs) return;
      latest = now;
      if (!shown) bar.start(total, done);
      shown = true;
      bar.setTotal(total);
      bar.update(done);
      // The work blocks the event loop, so that the bar has to be drawn now.
      bar.render();
    },
    stop() {
      if (shown) bar.stop();
      shown = false;
    },
  };
}
