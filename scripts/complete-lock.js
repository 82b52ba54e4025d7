/**
 * Adds to package-lock.json the entries of optional packages for other platforms, which npm leaves out when it updates a
 * lock beside an existing node_modules (npm/cli#4828) and without which `npm ci` refuses the lock. tests/lock.test.ts tells
 * when to run it:
 *
 *     node scripts/complete-lock.js [FOLDER]
 */
import { readFileSync, writeFileSync } from "node:fs";

const path = `${process.argv[2] ?? "."}/package-lock.json`;
const platform =
  /-(android|darwin|linux|freebsd|openbsd|openharmony|win32)-(arm64|arm|x64|ia32|loong64|ppc64|riscv64|s390x)(?:-(\w+))?$/;
const lock = JSON.parse(readFileSync(path, "utf8"));

for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const [, os, cpu, kind] = platform.exec(name) ?? [];
    if (lock.packages[key] || !os) continue;
    const libc = os === "linux" ? { libc: [kind?.startsWith("musl") ? "musl" : "glibc"] } : {};
    lock.packages[key] = { version, cpu: [cpu], dev: true, ...libc, optional: true, os: [os] };
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"));
writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
