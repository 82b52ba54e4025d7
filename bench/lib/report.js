/**
 * report: one suite's table: printed line by line, and kept in bench/results/<suite>.<runtime>.md
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";

const folder = new URL("../results/", import.meta.url);

/** @typedef {{ title: string, width?: number, left?: boolean }} Column */

/** The runtime as headings name it, and as files do. */
export function runtime() {
  const versions = /** @type {Record<string, string | undefined>} */ (process.versions);
  const name = versions.bun ? "Bun" : versions.deno ? "Deno" : "Node";
  const version = versions.bun ?? versions.deno ?? process.versions.node;
  return { label: `${name} ${version}`, file: `${name.toLowerCase()}-${version.split(".")[0]}` };
}

export class Report {
  /** @type {string[]} */
  #lines = [];
  /** @type {readonly Column[]} */
  #columns = [];
  #context;
  #suite;
  #about;

  /**
   * @param {import("./suite.js").Context} context @param {string} suite
   * @param {string} about what is measured, for the file @param {string[]} facts for the heading
   */
  constructor(context, suite, about, facts) {
    this.#context = context;
    this.#suite = suite;
    this.#about = about;
    const machine = cpus()[0]?.model.trim() ?? "unknown processor";
    const date = new Date().toISOString().slice(0, 10);
    this.line(`# ${suite}   ${[runtime().label, machine, date, ...facts].join("   ")}`);
  }

  /** @param {string} text */
  line(text) {
    console.log(text);
    this.#lines.push(text);
  }

  /** Starts a table. @param {readonly Column[]} columns */
  table(columns) {
    this.#columns = columns;
    this.row(columns.map(({ title }) => title));
  }

  /** @param {readonly (string | number)[]} cells */
  row(cells) {
    this.line(this.#format(cells));
  }

  /** A row that is printed and not kept. @param {readonly (string | number)[]} cells */
  aside(cells) {
    console.log(this.#format(cells));
  }

  /** @param {readonly (string | number)[]} cells */
  #format(cells) {
    const text = cells.map((cell, index) => {
      const { title, width = title.length + 3, left } = this.#columns[index];
      return left ? String(cell).padEnd(width) : String(cell).padStart(width);
    });
    return text.join("").trimEnd();
  }

  /** Writes the file, unless the run was a quick one. */
  write() {
    const { quick, choice } = this.#context;
    if (quick) return;
    const [options, suffix] = choice === "packaged" ? ["", ""] : [` --kernels ${choice}`, `-${choice}`];
    const origin = `Written by \`node bench/run.js ${this.#suite}${options}\`. ${this.#about}`;
    mkdirSync(folder, { recursive: true });
    const file = new URL(`${this.#suite}.${runtime().file}${suffix}.md`, folder);
    writeFileSync(file, `${origin}\n\n\`\`\`\n${this.#lines.join("\n")}\n\`\`\`\n`);
  }
}

/** @param {number} ratio */
export const times = (ratio) => `${ratio.toFixed(ratio < 10 ? 2 : 1)}x`;
/** @param {number} share */
export const percent = (share) => `${Math.round(share * 100)}%`;
/** @param {number} error */
export const scientific = (error) => (error === 0 ? "0" : error.toExponential(1));
/** @param {number} seconds */
export const milliseconds = (seconds) => {
  const ms = seconds * 1000;
  return ms >= 100 ? ms.toFixed(0) : ms >= 1 ? ms.toFixed(2) : ms.toFixed(3);
};
