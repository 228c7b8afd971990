// The scripts of the web page must run in the browsers that package.json names: the
// syntax is ES2015, and what a browser lacks is refused. A use that has a fallback is
// marked: // eslint-disable-next-line compat/compat -- which
import {readFileSync} from "node:fs";

import compat from "eslint-plugin-compat";

const {browserslist} = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

// Methods that eslint-plugin-compat doesn't find, because it does not know the type of
// what they are called on.
const methods = ["replaceAll", "matchAll", "padStart", "padEnd", "trimStart", "trimEnd", "at", "flat", "flatMap", "findLast",
  "findLastIndex", "toSorted", "toReversed", "append", "prepend", "before", "after", "replaceWith", "replaceChildren",
  "toggleAttribute", "getAnimations", "animate", "finally", "checkVisibility", "decode"];

export default [{
  languageOptions: {ecmaVersion: 2015, sourceType: "script"},
  linterOptions: {reportUnusedDisableDirectives: "error"},
  plugins: {compat},
  settings: {browsers: browserslist, lintAllEsApis: true},
  rules: {
    "compat/compat": "error",
    "no-restricted-syntax": ["error",
      {
        selector: `CallExpression[callee.property.name=/^(${methods.join("|")})$/]`,
        message: "Chromium 53 or Safari 10 lacks this method",
      },
      {
        selector: "CallExpression[callee.name='fetch'][arguments.length>1], CallExpression[callee.property.name='fetch'][arguments.length>1]",
        message: "Old browsers ignore options of fetch: use ask",
      },
    ],
  },
}];
