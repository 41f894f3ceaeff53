// Writes a .gz beside every text asset, and fails when the first load outgrows its budget.
import { readdirSync, readFileSync, writeFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const OUT = join(import.meta.dirname, "../../src/gnomon/web/static");
const BUDGET_KB = 350;

const kilobytes = (bytes) => (bytes / 1000).toFixed(1);
const sizes = new Map();
for (const name of readdirSync(OUT, { recursive: true })) {
  if (!/\.(js|css|html|svg|json)$/.test(name)) continue;
  const content = readFileSync(join(OUT, name));
  const packed = gzipSync(content, { level: 9 });
  sizes.set(name, packed.length);
  if (content.length > 1000) writeFileSync(join(OUT, `${name}.gz`), packed);
}

const manifest = JSON.parse(readFileSync(join(OUT, ".vite/manifest.json"), "utf8"));
const first = new Set();
const follow = (key) => {
  if (first.has(key)) return;
  first.add(key);
  for (const other of manifest[key].imports ?? []) follow(other);
};
follow("index.html");
const total = [...first].reduce((sum, key) => sum + (sizes.get(manifest[key].file) ?? 0), 0);
for (const [name, size] of [...sizes].filter(([name]) => name.endsWith(".js")).sort((a, b) => b[1] - a[1])) {
  console.log(`${kilobytes(size).padStart(8)} kB gzip  ${name}`);
}
console.log(`First load: ${kilobytes(total)} kB gzipped JavaScript of ${BUDGET_KB} kB allowed`);
rmSync(join(OUT, ".vite"), { recursive: true });
if (total > BUDGET_KB * 1000) {
  console.error(`The first load is over its budget: ${kilobytes(total)} kB > ${BUDGET_KB} kB. Load what a page alone needs with that page.`);
  process.exit(1);
}
