// Tests that each check refuses what it is for, and accepts a fallback.
import assert from "node:assert/strict";
import test from "node:test";

import {page, script, style} from "./check.mjs";

const refused = {
  "assignment by ||=": [script, "let a; a ||= 1;", "Unexpected token"],
  "optional chaining": [script, "page.menu?.columns;", "Unexpected token"],
  "catch without a name": [script, "try { f(); } catch { g(); }", "Unexpected token"],
  "object spread": [script, "f({...a});", "Unexpected token"],
  "async function": [script, "async function f() {}", "Unexpected token"],
  "option of fetch": [script, 'fetch("pick", {keepalive: true});', "options of fetch"],
  "the same by window": [script, 'window.fetch("pick", {signal: s});', "options of fetch"],
  "AbortController": [script, "new AbortController();", "AbortController"],
  "ResizeObserver": [script, "new ResizeObserver(f);", "ResizeObserver"],
  "Promise.allSettled": [script, "Promise.allSettled(a);", "allSettled"],
  "replaceChildren": [script, "e.replaceChildren(a);", "lacks this method"],
  "decode": [script, "img.decode();", "lacks this method"],
  "a script in a page": [page, "<p><script>a ||= 1</script>", "Unexpected token"],
  "a module": [page, '<script type="module" src="a.js"></script>', "modules"],
  "a style in a page": [page, "<style>a { inset: 0 }</style>", "inset"],
  "grid": [style, "body { display: grid; }", "css-grid"],
  "grid with var()": [style, "a { width: 1px; grid-template-columns: repeat(var(--n), 1fr); }", "css-grid"],
  "gap of flex": [style, "a { display: flex; gap: 1em; }", "flexbox-gap"],
  "inset": [style, "a { inset: 0; }", "css-logical-props"],
  "max()": [style, "a { width: max(1px, 2px); }", "css-math-functions"],
  "max() with var(), whose fallback is ignored": [style, "a { width: 1px; width: max(1px, var(--a)); }", "css-math-functions"],
  "max() in a custom property": [style, ":root { --a: 1px; --a: max(1px, 2px); }", "css-math-functions"],
  ":has()": [style, "a:has(b) { color: red; }", "css-has"],
  ":is()": [style, "a :is(b, c) { color: red; }", "css-matches-pseudo"],
  "aspect-ratio": [style, "a { aspect-ratio: 1; }", "aspect-ratio"],
  "a colour with spaces": [style, "a { color: rgb(0 0 0 / .5); }", "rgb"],
  "color-mix": [style, "a { color: color-mix(in srgb, red, blue); }", "color-mix"],
  "dvh": [style, "a { height: 100dvh; }", "viewport-unit-variants"],
};

const accepted = {
  "ES2015": [script, 'const f = ({a, b = 1}) => [...a, `${b}`]; for (const [k, v] of new Map()) f(k, v);'],
  "a marked use": [script, "// eslint-disable-next-line compat/compat -- there is a fallback\nnew SharedWorker(a);"],
  "JSON in a page": [page, '<script type="application/json">{"a": 1}</script>'],
  "grid in @supports": [style, "@supports (display: grid) { body { display: grid; } }"],
  "grid after flex": [style, "body { display: flex; display: grid; }"],
  "a prefix": [style, "a { -webkit-margin-start: var(--a); margin-inline-start: var(--a); }"],
  "max() after a length": [style, "a { width: 1px; width: max(1px, 2px); }"],
};

test("refused: a name that two scripts of a page declare", async () => {
  const scripts = {"a.js": "const keyOf = 1;", "b.js": "function keyOf() {}"};
  const found = await page('<script src="a.js"></script><script src="b.js" defer></script>', "planted", src => scripts[src]);
  assert.ok(found.some(line => line.includes("already been declared")), `found ${JSON.stringify(found)}`);
});
test("refused: a name that is an element's id", async () => {
  const refuses = async (html, script) => (await page(`<script src="a.js"></script>${html}`, "planted", () => script)).some(line => line.includes("Safari 10 takes clock"));
  for (const script of ["const clock = 1;", "let clock;", "let a, b = 2, clock = 3;", "const a = 1;\nlet b,\n  clock;"]) assert.ok(await refuses('<p id="clock">', script), script);
  for (const script of ["var clock = 1;", "function clock() {}", "{\n  const clock = 1;\n}", "const a = {clock: 1};"]) assert.ok(!await refuses('<p id="clock">', script), script);
  assert.ok(!await refuses('<p id="time">', "const clock = 1;"));
});
for (const [name, [check, text, part]] of Object.entries(refused)) {
  test(`refused: ${name}`, async () => {
    const found = await check(text, "planted");
    assert.ok(found.some(line => line.includes(part)), `found ${JSON.stringify(found)}`);
  });
}
for (const [name, [check, text]] of Object.entries(accepted)) {
  test(`accepted: ${name}`, async () => assert.deepEqual(await check(text, "planted"), []));
}
