// The recipes of docs/recipes, imported as a project would that has copied them.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { transformSync } from "esbuild";

const RECIPES = new URL("../../../docs/recipes/", import.meta.url);
// Where Node finds the packages that they import.
const COPIES = new URL("../node_modules/.recipes/", import.meta.url);

/** Import a recipe by the name of its file. */
export function recipe(name) {
  const source = readFileSync(new URL(name, RECIPES), "utf8");
  const loader = name.endsWith(".jsx") ? "jsx" : "js";
  const { code } = transformSync(source, { loader, jsx: "automatic", target: "node18" });
  mkdirSync(COPIES, { recursive: true });
  const copy = new URL(`${name}.mjs`, COPIES);
  writeFileSync(copy, code);
  return import(copy);
}
