// Checks that scripts and styles run in the browsers that package.json names.
//
//	node check.mjs FILE...     prints what they lack, and exits 1 if there is something
//
// A script may be inside an HTML file. check_test.mjs tests the checks.
import {readFile} from "node:fs/promises";
import path from "node:path";
import {fileURLToPath} from "node:url";

import DoIUse from "doiuse";
import {ESLint} from "eslint";
import postcss from "postcss";

const here = path.dirname(fileURLToPath(import.meta.url));
const {browserslist: browsers} = JSON.parse(await readFile(path.join(here, "package.json"), "utf8"));

// script returns what is wrong with a script. Its syntax is checked by the parser.
const eslint = new ESLint({cwd: here, overrideConfigFile: path.join(here, "eslint.config.mjs")});
export async function script(text, file) {
  const [result] = await eslint.lintText(text, {filePath: path.join(here, "checked.js")});
  return result.messages.map(m => `${file}:${m.line}: ${m.message}`);
}

// page returns what is wrong with the scripts and styles inside an HTML file, and whether
// its scripts declare a name twice. read reads a script that it names.
export async function page(html, file, read = () => "") {
  const found = [], all = [];
  for (const [, src] of html.matchAll(/<script\b[^>]*\bsrc\s*=\s*["']([^"']+)["']/gi)) all.push(await read(src));
  found.push(...(await script(all.join("\n"), file + ", its scripts together")).filter(line => line.includes("already been declared")));
  found.push(...shadows(html, all.join("\n"), file));
  for (const [, attributes, text] of html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/gi)) {
    if (/\btype\s*=\s*["']?module/i.test(attributes)) found.push(`${file}: Chromium 53 has no modules.`);
    else if (!/\btype\s*=\s*["']?application\/json/i.test(attributes)) found.push(...await script(text, file));
  }
  for (const [, text] of html.matchAll(/<style\b[^>]*>([\s\S]*?)<\/style>/gi)) found.push(...await style(text, file));
  return found;
}

// shadows returns which names of a page's scripts are also ids of its elements: Safari 10
// then does not run the script (WebKit bug 159270).
function shadows(html, scripts, file) {
  const ids = new Set(Array.from(html.matchAll(/\bid\s*=\s*["']([^"']+)/g), m => m[1])), found = [];
  for (const [, names] of scripts.matchAll(/^(?:const|let) ([^;]*)/gm)) {
    for (const [, n] of names.matchAll(/(?:^|,\s*)([\w$]+)(?=\s*(?:=|,|$))/g)) {
      if (ids.has(n)) found.push(`${file}: Safari 10 takes ${n} for an element's id`);
    }
  }
  return found;
}

// What looks the same, or nearly so, where a browser ignores it.
const harmless = ["css-font-rendering-controls", "css-overflow", "css-gradients", "font-family-system-ui", "multicolumn",
  "mdn-text-decoration-shorthand", "prefers-reduced-motion", "css-masks"];
// What doiuse does not know.
const unknown = [
  [/^(aspect-ratio|place-(items|content|self)|translate|scale|rotate)$/, /./],
  [/^overflow-wrap$/, /\banywhere\b/],
  [/./, /\brgba?\(\s*\d+\s+\d/],
  [/./, /\b(color-mix|light-dark)\(/],
];

// style returns which declarations and rules of a style sheet have no fallback. A
// fallback is @supports, a declaration of the same property before it, or one with a
// prefix. In a custom property, or in a value with var(), only @supports helps: an old
// browser finds out too late that it can't use the value.
export async function style(text, file) {
  const uses = [];
  const root = postcss.parse(text, {from: file});
  await postcss([new DoIUse({browsers, onFeatureUsage: u => uses.push([u.usage, u.feature])})]).process(root, {from: file});
  root.walkDecls(d => {
    if (unknown.some(([prop, value]) => prop.test(d.prop) && value.test(d.value))) uses.push([d, `${d.prop}: ${d.value}`]);
  });
  const lacking = new Set(uses.filter(([, feature]) => feature !== "flexbox-gap").map(([node]) => node));
  const isCovered = (node, feature) => {
    for (let p = node.parent; p; p = p.parent) {
      if (p.type === "atrule" && p.name === "supports") return true;
    }
    if (node.type !== "decl") return false;
    if (node.prop === "text-align") return true; // doiuse takes start for a logical property
    const isNewProperty = feature === "css-logical-props";
    if (node.prop.startsWith("--") || !isNewProperty && node.value.includes("var(")) return false;
    const name = prop => prop.replace(/^-webkit-/, "").replace("-inline-", "-");
    return node.parent.nodes.some(other => other !== node && other.type === "decl" && node.parent.index(other) < node.parent.index(node)
      && name(other.prop) === name(node.prop) && (!lacking.has(other) || other.value.startsWith("-webkit-")));
  };
  return uses
    .filter(([node, feature]) => !harmless.includes(feature) && !(node.type === "decl" && node.value.startsWith("-webkit-")) && !isCovered(node, feature))
    .map(([node, feature]) => `${file}:${node.source.start.line}: ${feature} has no fallback: ${String(node).replace(/\s+/g, " ").slice(0, 80)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const checks = {".js": script, ".css": style, ".html": page};
  let bad = 0;
  for (const file of process.argv.slice(2)) {
    const read = src => readFile(path.join(path.dirname(file), src), "utf8");
    const found = await checks[path.extname(file)](await readFile(file, "utf8"), file, read);
    for (const line of found) console.log(line);
    bad += found.length;
  }
  console.log(`${process.argv.length - 2} files, ${bad} problems`);
  process.exit(bad || process.argv.length === 2 ? 1 : 0);
}
