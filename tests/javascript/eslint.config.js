import js from "@eslint/js";
import globals from "globals";

const strict = {
  eqeqeq: "error",
  "no-console": "error",
  "no-eval": "error",
  "no-implicit-coercion": "error",
  "no-param-reassign": "error",
  "no-shadow": "error",
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": "error",
};

// Run from the top of the repository; the patterns are relative to it.
export default [
  { ignores: ["**/node_modules/", "tests/javascript/consumer/"] },
  js.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: "error" }, rules: strict },
  {
    files: ["tests/javascript/**"],
    languageOptions: { globals: globals.node },
  },
  {
    files: ["tokenauth/**", "docs/recipes/**"],
    languageOptions: { globals: globals.browser, parserOptions: { ecmaFeatures: { jsx: true } } },
    rules: { "max-lines-per-function": ["error", 45] },
  },
];
