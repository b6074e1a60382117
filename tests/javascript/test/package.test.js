// What is shipped: how big it is, and that its types are those of its source.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { transformSync } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const STATIC = here("../../../tokenauth/static/tokenauth/");
const LIMIT = 6000;

test(`minified and gzipped it has less than ${LIMIT} bytes`, () => {
  const source = readFileSync(join(STATIC, "tokenauth.js"), "utf8");
  const { code } = transformSync(source, { minify: true, format: "esm", target: "es2022" });
  const { length } = gzipSync(code, { level: 9 });
  assert.ok(length < LIMIT, `${length} bytes`);
});

test("it imports nothing", () => {
  const source = readFileSync(join(STATIC, "tokenauth.js"), "utf8");
  assert.doesNotMatch(source, /^\s*import\b|\bimport\(/m);
});

test("tokenauth.d.ts is what the source says; npm run declare writes it", () => {
  const target = mkdtempSync(join(tmpdir(), "declare-"));
  try {
    const compiler = here("../node_modules/typescript/bin/tsc");
    const project = here("../tsconfig.declare.json");
    execFileSync(process.execPath, [compiler, "--project", project, "--outDir", target]);
    const [made, kept] = [target, STATIC].map((at) => readFileSync(join(at, "tokenauth.d.ts"), "utf8"));
    assert.equal(made, kept);
  } finally {
    rmSync(target, { recursive: true });
  }
});
