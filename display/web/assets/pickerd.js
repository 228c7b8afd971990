"use strict";
// Lays out the pages that the daemon sends. It decides nothing: what is in a
// page is shown, what is not is hidden.

const $ = id => document.getElementById(id);
const tied = s => (s || "").replace(/Wi-Fi/g, "Wi\u2011Fi"); // on one line
// Safari 10 refuses a const that is called like an element: a function may be.
function text(id, s) { write($(id), s); }
const show = (id, on) => { $(id).hidden = !on; };
// write sets the text of an element. What is isolated in it (U+2068 to U+2069) becomes
// an element: Chromium 64 writes words backwards beside these characters.
function write(e, s) {
  s = tied(s);
  if (e.written === s) return;
  e.written = s;
  e.textContent = "";
  let inside = e;
  for (const part of s.split(/([\u2068\u2069])/)) {
    if (part === "\u2068") inside = inside.appendChild(document.createElement("bdi"));
    else if (part === "\u2069") inside = inside === e ? e : inside.parentNode;
    else if (part) inside.appendChild(document.createTextNode(part));
  }
}
function element(tag, s) {
  const e = document.createElement(tag);
  write(e, s);
  return e;
}
function fill(parent, children) {
  parent.textContent = "";
  for (const c of children) parent.appendChild(c);
}

// The style of the page: the language and the look. style names it.
let style, texts = {}, digits = "0123456789", look = {fade: 1.2}, transient = false;
const local = n => String(n).replace(/[0-9]/g, d => digits[d]);
const say = (key, values = {}) => (texts[key] || "").replace(/\{(\w+)\}/g, (_, name) => typeof values[name] === "number" ? local(values[name]) : values[name]);
let asked = 0; // times that the style was asked for
// setUp takes over the style and calls then, also if there was no answer.
function setUp(then) {
  const turn = ++asked;
  ask("GET", "screen.json", (status, answer) => {
    if (isOK(status) && turn === asked) setStyle(JSON.parse(answer)); // a later answer may have come first
    then(status);
  });
}
function setStyle(s) {
  style = s.style;
  texts = s.texts;
  digits = s.digits;
  look = s.look;
  transient = s.transient;
  document.documentElement.lang = s.lang;
  document.documentElement.dir = s.dir;
  document.documentElement.style.setProperty("--fade", look.fade + "s");
  document.documentElement.style.setProperty("--stay", (look.interval + 2 * look.fade) + "s");
  document.body.classList.toggle("plain", look.plain);
  document.body.classList.toggle("fill", look.fill);
  document.body.classList.toggle("mat", look.mat);
  for (const layer of document.querySelectorAll(".slide")) slides.place(layer);
  for (const e of document.querySelectorAll("[data-text]")) e.textContent = texts[e.dataset.text];
  for (const e of document.querySelectorAll("[data-label]")) e.setAttribute("aria-label", texts[e.dataset.label]);
}

let page = {};
let received = 0; // performance.now() when the page came
let settled = 0; // when the buttons may be used again

function layOut(p) {
  document.body.dataset.laid = "no"; // watchdog.js shows a picture if that takes long
  // Where the countdown was there are other buttons now: not for the same click.
  if (page.stay && !p.stay) {
    settled = performance.now() + 1000;
    setTimeout(() => layOut(page), 1010);
  }
  if (p !== page) received = performance.now(); // else countdowns would start over
  page = p;
  document.body.dataset.state = p.state;
  document.title = p.device ? `${p.device} · pickerd` : "pickerd";
  text("device", p.title && !p.title.includes(p.device) ? p.device : "");
  const none = p.slide && !p.night && slides.none;
  text("title", none ? texts.unshowable : p.title);
  text("text", none ? texts.unshowable_text : p.text);
  text("hint", p.hint);
  text("account", p.account);
  const steps = (p.steps || []).map(tied);
  if (steps.join("\n") !== Array.from($("steps").children, li => li.written).join("\n")) {
    fill($("steps"), steps.map((s, i) => {
      const li = element("li", s);
      li.dataset.number = local(i + 1) + ".";
      return li;
    }));
  }
  layOutCode(p);
  layOutBars(p);
  layOutMenu(p.menu);
  text("time", p.clock);
  text("date", p.date);
  $("clock").classList.toggle("dateless", !p.date);
  $("clock").classList.toggle("timeless", !p.clock);
  show("clock", (p.clock || p.date) && !p.qr);
  document.body.classList.toggle("night", !!p.night);
  document.body.classList.toggle("halted", !!p.paused || !!p.menu); // as on screens without a browser
  for (const id of ["pick", "cancel", "renew", "forget", "stay"]) {
    text(id, p[id]);
    show(id, p[id] && !p.stay || id === "stay" && p.stay);
  }
  show("more", !p.stay && !p.menu);
  document.body.classList.toggle("leaving", !!p.stay);
  $("panel").inert = !!p.menu;
  $("buttons").inert = !!p.menu || performance.now() < settled;
  slides.show(p.night ? null : p.slide, p.next);
  tick();
  fit();
  document.body.dataset.laid = "yes";
}

function layOutCode(p) {
  show("scan", p.qr);
  show("byhand", p.qr);
  document.body.classList.toggle("code", !!p.qr);
  if (!p.qr) return;
  if ($("qr").dataset.of !== p.qr) {
    $("qr").dataset.of = $("qr").src = p.qr;
    if (p.qr_link) $("qrlink").href = p.qr_link;
    else $("qrlink").removeAttribute("href");
  }
  $("qr").alt = p.link ? say(p.code ? "qr_for_code" : "qr_for", p) : (p.steps || [p.title])[0];
  text("link", p.link);
  text("code", p.code);
  text("spoken", p.spoken);
  show("typed", p.link);
  show("codeline", p.code);
}

// The code with its quiet zone takes so much of the smaller side of the screen.
const codeShare = 0.675;
const landscape = () => innerWidth > innerHeight;

// What the panel has room for. Halves of the gap are at each side of what it holds.
function room() {
  const s = getComputedStyle($("panel")), px = name => parseFloat(s[name]) || 0, lies = landscape();
  const gap = 2 * (parseFloat(getComputedStyle($("scan"))[lies ? "marginLeft" : "marginTop"]) || 0);
  return {
    wide: $("panel").clientWidth - px("paddingLeft") - px("paddingRight") - (lies ? gap : 0),
    high: $("panel").clientHeight - px("paddingTop") - px("paddingBottom") - (lies ? 0 : gap),
    gap,
  };
}

// Every module of the QR code gets the same whole number of device pixels: the
// one that comes nearest to the share, or the largest one that fits.
function fitCode(yields, share) {
  const modules = page.qr_modules;
  if (!page.qr || !modules) return;
  const {wide, high, gap} = room(), dpr = devicePixelRatio || 1;
  let most = Math.min(wide, high);
  if (landscape()) most = Math.min(high, wide * 2 / 3 - gap); // words keep a third of the width
  else if (yields) most = Math.min(wide, Math.max(high - $("words").offsetHeight - $("byhand").offsetHeight - 2 * gap, high / 3));
  const module = Math.min(Math.round(share * Math.min(innerWidth, innerHeight) * dpr / modules), Math.floor(most * dpr / modules));
  document.documentElement.style.setProperty("--qr", Math.max(1, module) * modules / dpr + "px");
}

// Words are no higher than the code beside them, or leave room for the one under
// them, where they need not be much smaller for that. Where they must be smaller
// than they can be read, the hint goes, then the code yields, and at last the bars
// say less. The clock goes where the bars reach that high.
function fit() {
  const last = {from: 0.8, to: 0.45, yields: true, tight: true, share: codeShare * 0.75};
  [
    {from: 1, to: 0.8, yields: false, tight: false, share: codeShare},
    {from: landscape() ? 1 : 0.8, to: 0.6, yields: true, tight: false, share: codeShare},
    {from: 1, to: 0.6, yields: true, tight: true, share: codeShare},
    last,
    Object.assign({short: true}, last),
  ].some(attempt);
  document.body.classList.remove("crowded");
  document.body.classList.toggle("crowded", $("bars").getBoundingClientRect().top < $("clock").getBoundingClientRect().bottom);
}
// attempt makes words as large as they fit, and returns whether they do. Words that
// fit at one size fit at all smaller ones.
function attempt({from, to, yields, tight, share, short}) {
  document.body.classList.toggle("tight", tight);
  document.body.classList.toggle("short", !!short);
  const sizes = [];
  for (let k = from; k > to; k *= 0.96) sizes.push(k);
  const fitsAt = k => {
    document.documentElement.style.setProperty("--k", k);
    fitCode(yields, share);
    return fits(yields);
  };
  if (fitsAt(sizes[0])) return true;
  let low = 1, high = sizes.length; // the first that fits is one of these
  while (low < high) {
    const middle = low + high >> 1;
    if (fitsAt(sizes[middle])) high = middle;
    else low = middle + 1;
  }
  return fitsAt(sizes[Math.min(low, sizes.length - 1)]);
}
function fits(yields) {
  const {high, gap} = room(), words = $("words").offsetHeight;
  if (!page.qr) return words <= high + 1;
  const all = words + $("byhand").offsetHeight, code = $("qr").offsetHeight;
  if (!landscape()) return all + code + 2 * gap <= high + 1;
  if (code > high + 1) return false; // the bars are higher beside a larger code
  return all + (parseFloat(getComputedStyle($("byhand")).marginTop) || 0) <= (yields ? high : code) + 1;
}
addEventListener("resize", fit);
if (document.fonts) document.fonts.addEventListener("loadingdone", fit);
// The picture is asked for once more where it could not be loaded: the same
// code stands on the screen again after the box was away.
$("qr").onerror = () => setTimeout(() => {
  if (page.qr) $("qr").src = page.qr + "&again=" + Date.now();
}, 2000);

function layOutBars(p) {
  text("receipt", p.receipt);
  show("receipt", p.receipt);
  show("progress", p.progress);
  if (p.progress) {
    const {done, total, failed} = p.progress;
    text("count", say(failed ? "progress_failed" : "progress", p.progress));
    $("meter").max = Math.max(total, 1);
    $("meter").value = done;
  }
  if (!p.slide) slides.caption = "";
  text("caption", p.receipt || p.progress ? "" : slides.caption);
  show("caption", $("caption").textContent);
  show("volume", p.volume);
  if (p.volume) {
    text("loudness", p.volume.label);
    $("level").value = p.volume.percent;
  }
  text("paused", p.paused);
  show("paused", p.paused);
  text("message", p.problem);
  text("remedy", p.remedy);
  show("problem", p.problem);
  show("leaving", p.leaves);
  // Said once: the countdown itself would be read out each second.
  if (!p.leaves) text("leavingsaid", "");
  else if (!$("leavingsaid").textContent) text("leavingsaid", say("leaving", {time: clock(p.leaves)}) + " " + p.stay);
}

function clock(s) { return local(`${Math.floor(s / 60)}:${("0" + Math.floor(s % 60)).slice(-2)}`); }

// Countdowns run here, from the seconds that the page came with.
function tick() {
  const gone = (performance.now() - received) / 1000;
  const left = Math.max(0, (page.left || 0) - gone);
  text("left", !page.left ? "" : left > 6 * 3600 ? "" : say("good_for", {time: clock(left)}));
  text("leaving", page.leaves ? say("leaving", {time: clock(Math.max(0, page.leaves - gone))}) : "");
  const retry = (page.retry_in || 0) - gone;
  const again = retry >= 90 ? say("retry_minutes", {n: Math.round(retry / 60)}) : retry >= 1 ? say("retry_seconds", {n: Math.round(retry)}) : "";
  text("retry", page.problem ? again : "");
  text("again", page.problem ? "" : again);
}
setInterval(tick, 1000);

// The menu: its lines are taken with a click, and moved in by the box, so that
// every screen and remote control agrees.
function layOutMenu(m) {
  const was = !$("menu").hidden;
  show("menu", m);
  if (!m) {
    if (was && $("menu").contains(document.activeElement)) document.activeElement.blur();
    return;
  }
  text("menutitle", m.title);
  text("menutext", m.text);
  fill($("facts"), [].concat(...(m.facts || []).map(f => [element("dt", f[0]), element("dd", f[1])])));
  const key = m.items.map(i => i.id + "\n" + i.label).join("\n"), fresh = $("items").dataset.key !== key;
  if (fresh) {
    $("items").dataset.key = key;
    fill($("items"), m.items.map(i => {
      const b = element("button", i.label);
      b.type = "button";
      b.dataset.id = i.id;
      b.onclick = () => wish("menu/" + encodeURIComponent(i.id));
      return b;
    }));
  }
  $("items").classList.toggle("keypad", !!m.columns);
  $("items").style.setProperty("--columns", m.columns || 1);
  Array.from($("items").children).forEach((b, i) => {
    const selected = i === m.selected, moved = selected && !b.classList.contains("selected");
    b.classList.toggle("selected", selected);
    if (selected && (moved || fresh || !was)) b.focus({preventScroll: false});
  });
  show("menuscan", m.qr);
  if (!m.qr) return;
  if ($("menuqr").dataset.of !== m.qr) $("menuqr").dataset.of = $("menuqr").src = m.qr;
  $("menulink").href = m.qr_link;
  $("menuqr").alt = say("qr_for", {link: m.qr_link});
  text("menuqrlabel", m.qr_label);
}

// Nothing bright stands on the same spot for hours: words and code change sides,
// and the clock changes corners.
const turnEvery = 5 * 60 * 1000;
let turns = 0;
setInterval(() => {
  turns++;
  document.body.classList.toggle("swap", turns % 2 === 1);
  document.body.dataset.corner = turns % 4;
  document.documentElement.style.setProperty("--drift", ((turns * 7) % 5 - 2) / 2);
}, turnEvery);

// The pages. A browser reconnects by itself while the box is down.
let lost, visit, newest;
function showOffline(on) {
  if ($("offline").hidden !== on) return;
  show("offline", on);
  document.body.classList.toggle("offline", on);
  fit();
}
const heard = () => {
  clearTimeout(lost);
  lost = undefined;
  showOffline(false);
};
const unheard = () => {
  if (!lost) lost = setTimeout(() => {
    showOffline(true);
    if (transient) slides.clear(); // nobody could say that the guest has gone
  }, 4000);
};
const stream = pages((what, data) => {
  switch (what) {
  case "open":
    setUp(status => { if (isOK(status)) layOut(page); }); // another daemon may speak another language
    heard();
    break;
  case "here":
    heard();
    break;
  case "page":
    heard();
    take(JSON.parse(data));
    break;
  case "refused": // by a box that wants its key again, or has too many screens
    ask("GET", "screen.json", status => { if (status === 401) location.reload(); });
    unheard();
    break;
  case "lost":
    unheard();
  }
});
function take(p) {
  document.body.dataset.laid = "no";
  const before = visit;
  visit = p.visit || "";
  newest = p;
  // Somebody was forgotten: nothing of what was shown is kept.
  if (before !== undefined && before !== visit) location.replace("clear" + location.hash);
  else if (p.style === style) layOut(p);
  else restyle(p);
}
// A page in another style waits for that, unless a newer page overtakes it.
function restyle(p) {
  setUp(() => { // without an answer it is tried again with the next page
    if (newest === p) layOut(p);
  });
}
function connect() {
  const dpr = devicePixelRatio || 1;
  stream.connect(Math.round(innerWidth * dpr), Math.round(innerHeight * dpr));
}
setUp(connect);
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", e => { if (e.persisted) connect(); });
// Photos come at the size that was told when the stream began.
let resized;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(connect, 1000);
});
