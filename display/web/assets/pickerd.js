"use strict";
// Lays out the pages that the daemon sends. It decides nothing: what is in a
// page is shown, what is not is hidden.

const $ = id => document.getElementById(id);
const text = (id, s) => { if ($(id).textContent !== (s || "")) $(id).textContent = s || ""; };
const show = (id, on) => { $(id).hidden = !on; };

// What does not change while the daemon runs: the language and the look.
let texts = {}, digits = "0123456789", look = {fade: 1.2}, transient = false;
const local = n => String(n).replace(/[0-9]/g, d => digits[d]);
const say = (key, values = {}) => (texts[key] || "").replace(/\{(\w+)\}/g, (_, name) => typeof values[name] === "number" ? local(values[name]) : values[name]);
async function setUp() {
  const s = await (await fetch("screen.json")).json();
  texts = s.texts;
  digits = s.digits;
  look = s.look;
  transient = s.transient;
  document.documentElement.lang = s.lang;
  document.documentElement.dir = s.dir;
  document.documentElement.style.setProperty("--fade", look.fade + "s");
  document.documentElement.style.setProperty("--stay", (look.interval + 2 * look.fade) + "s");
  document.body.classList.toggle("zoom", look.zoom);
  document.body.classList.toggle("plain", look.plain);
  for (const e of document.querySelectorAll("[data-text]")) e.textContent = texts[e.dataset.text];
  for (const e of document.querySelectorAll("[data-label]")) e.setAttribute("aria-label", texts[e.dataset.label]);
}

let page = {};
let received = 0; // performance.now() when the page came
let settled = 0; // when the buttons may be used again

function layOut(p) {
  // Where the countdown was there are other buttons now: not for the same click.
  if (page.stay && !p.stay) {
    settled = performance.now() + 1000;
    setTimeout(() => layOut(page), 1010);
  }
  page = p;
  received = performance.now();
  document.body.dataset.state = p.state;
  document.title = p.device ? `${p.device} · pickerd` : "pickerd";
  text("device", p.title && !p.title.includes(p.device) ? p.device : "");
  text("title", p.title);
  text("text", p.text);
  text("hint", p.hint);
  text("account", p.account);
  const steps = p.steps || [];
  if (steps.join("\n") !== [...$("steps").children].map(li => li.textContent).join("\n")) {
    $("steps").replaceChildren(...steps.map((s, i) => {
      const li = Object.assign(document.createElement("li"), {textContent: s});
      li.dataset.number = local(i + 1) + ".";
      return li;
    }));
  }
  layOutCode(p);
  layOutBars(p);
  layOutMenu(p.menu);
  text("time", p.clock);
  text("date", p.date);
  show("clock", p.clock && !p.qr);
  document.body.classList.toggle("night", !!p.night);
  for (const id of ["pick", "cancel", "renew", "forget", "stay"]) {
    text(id, p[id]);
    show(id, p[id] && !p.stay || id === "stay" && p.stay);
  }
  show("more", !p.stay && !p.menu);
  document.body.classList.toggle("leaving", !!p.stay);
  $("panel").inert = !!p.menu;
  $("buttons").inert = !!p.menu || received < settled;
  slides.show(p.night ? null : p.slide, p.next);
  tick();
  fit();
}

function layOutCode(p) {
  show("scan", p.qr);
  show("byhand", p.qr);
  if (!p.qr) return;
  if ($("qr").dataset.of !== p.qr) {
    $("qr").dataset.of = $("qr").src = p.qr;
    $("qrlink").href = p.qr_link;
  }
  $("qr").alt = say(p.code ? "qr_for_code" : "qr_for", p);
  text("link", p.link);
  text("code", p.code);
  text("spoken", p.spoken);
  show("typed", p.link);
  show("codeline", p.code);
}

// The code with its quiet zone takes so much of the smaller side of the screen.
const codeShare = 0.675;
const landscape = () => innerWidth > innerHeight;

// What the panel has room for.
function room() {
  const s = getComputedStyle($("panel")), px = name => parseFloat(s[name]) || 0;
  return {wide: $("panel").clientWidth - px("paddingLeft") - px("paddingRight"), high: $("panel").clientHeight - px("paddingTop") - px("paddingBottom"), gap: px("rowGap")};
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
    {...last, short: true},
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
  return all + (parseFloat(getComputedStyle($("column")).rowGap) || 0) <= (yields ? high : code) + 1;
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

const clock = s => local(`${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`);

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
  const line = (tag, s) => Object.assign(document.createElement(tag), {textContent: s});
  $("facts").replaceChildren(...(m.facts || []).flatMap(f => [line("dt", f[0]), line("dd", f[1])]));
  const key = m.items.map(i => i.id + "\n" + i.label).join("\n"), fresh = $("items").dataset.key !== key;
  if (fresh) {
    $("items").dataset.key = key;
    $("items").replaceChildren(...m.items.map(i => {
      const b = line("button", i.label);
      b.type = "button";
      b.dataset.id = i.id;
      b.onclick = () => wish("menu/" + encodeURIComponent(i.id));
      return b;
    }));
  }
  [...$("items").children].forEach((b, i) => {
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

// Two layers that fade into each other. A photo that can't be loaded is passed
// over and tried again: until it can be shown, the one before stays.
const slides = {
  wanted: null,
  layer: null,
  again: undefined,
  caption: "", // of the slide that is seen
  async show(slide, next) {
    text("alt", slide && slide.alt);
    if (!slide) return this.clear();
    const key = slide.media.map(m => m.src).join(" ");
    if (this.wanted === key) {
      this.repeat();
      return this.ahead(next);
    }
    this.wanted = key;
    clearTimeout(this.again);
    let fronts;
    try {
      fronts = await Promise.all(slide.media.map(m => m.video ? this.film(m) : this.picture(m, slide.alt)));
    } catch {
      if (this.wanted !== key) return;
      this.wanted = null;
      this.again = setTimeout(() => this.show(page.slide, page.next), 5000);
      return;
    }
    if (this.wanted !== key) return; // another came meanwhile
    this.fade(slide, fronts);
    this.ahead(next);
  },
  fade(slide, fronts) {
    const layer = document.createElement("div");
    layer.className = "slide";
    layer.classList.toggle("pair", fronts.length > 1);
    if (!slide.media[0].video) {
      const back = new Image();
      back.className = "back";
      back.alt = "";
      back.src = slide.media[0].src;
      layer.append(back);
    }
    for (const f of fronts) {
      const half = document.createElement("div");
      half.className = "half";
      half.append(f);
      layer.append(half);
    }
    $("slides").append(layer);
    layer.offsetWidth; // lets the fade begin
    layer.classList.add("on");
    document.body.classList.add("photos");
    this.drop(this.layer);
    this.layer = layer;
    this.caption = slide.caption || "";
    this.repeat();
    layOutBars(page);
  },
  drop(layer) {
    if (layer) setTimeout(() => layer.remove(), look.fade * 1000 + 300);
  },
  async picture(m, alt) {
    const img = new Image();
    img.className = "front";
    img.alt = alt;
    img.src = m.src;
    await img.decode();
    // A tiny picture is not blown up beyond four times its size.
    const most = 4 / (devicePixelRatio || 1);
    img.style.setProperty("--most-w", Math.round(img.naturalWidth * most) + "px");
    img.style.setProperty("--most-h", Math.round(img.naturalHeight * most) + "px");
    return img;
  },
  // A video shows its still until it plays, and stays with that if it can't.
  film(m) {
    const v = document.createElement("video"), still = new Image();
    v.className = "front";
    v.muted = v.autoplay = v.loop = v.playsInline = true;
    return new Promise((ok, bad) => {
      let failed = 0;
      const fail = () => { if (++failed === 2) bad(); };
      v.onloadedmetadata = () => this.repeat();
      v.onloadeddata = still.onload = () => ok(v);
      v.onerror = still.onerror = fail;
      still.src = v.poster = m.src.replace("media/", "still/");
      v.src = m.src;
    });
  },
  // A film that lasts longer than a photo ends with its last picture, not with its
  // beginning, when another slide follows.
  repeat() {
    for (const v of this.layer ? this.layer.querySelectorAll("video") : []) {
      v.loop = !page.next || !!page.paused || !(v.duration > look.interval);
      if (v.loop && v.ended) v.play().catch(() => {}); // it stays as it is then
    }
  },
  ahead(next) {
    for (const m of next ? next.media : []) {
      if (!m.video) new Image().src = m.src;
    }
  },
  clear() {
    document.body.classList.remove("photos");
    clearTimeout(this.again);
    this.wanted = null;
    this.drop(this.layer);
    this.layer = null;
  },
};

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

// Wishes.
async function wish(name) {
  try {
    await fetch(name, {method: "POST"});
  } catch { /* the stream shows what is wrong */ }
}
for (const id of ["pick", "cancel", "renew", "forget"]) $(id).onclick = () => wish(id);
$("stay").onclick = () => wish("touch");
$("more").onclick = () => wish("key/menu");
for (const id of ["qrlink", "menulink"]) $(id).onclick = () => $(id).blur();

// A remote control has arrows, OK and Back.
const ahead = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};
function move(step) {
  const all = [...$("buttons").querySelectorAll("button")].filter(b => !b.hidden);
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  all[at < 0 ? all.length - 1 : (at + step + all.length) % all.length].focus(); // the likeliest one first
}
// In the menu the box moves.
const inMenu = {ArrowRight: "down", ArrowDown: "down", ArrowLeft: "up", ArrowUp: "up", Escape: "back", BrowserBack: "back", GoBack: "back", ContextMenu: "menu"};
// Over photos left and right turn them, until somebody goes down to the buttons.
function leaf(key) {
  const to = {ArrowLeft: "previous", ArrowRight: "next", MediaTrackPrevious: "previous", MediaTrackNext: "next", MediaPlayPause: "pause", " ": "pause"}[key];
  if (!to || !page.slide || page.menu || document.activeElement.closest("#buttons")) return false;
  wish(to);
  return true;
}
let held = false; // a key that only shows the buttons is down
addEventListener("keyup", () => { held = false; });
$("buttons").addEventListener("click", e => { if (held) e.stopPropagation(); }, true);
addEventListener("keydown", e => {
  // What can't be seen must not be pressed.
  held = isFaded() && (e.key === "Enter" || e.key === " ") && !!document.activeElement.closest("#buttons");
  const unheard = page.night || page.stay || held; // a key only wakes the screen then, or means to stay
  near();
  const key = page.menu ? inMenu[e.key] : e.key === "ContextMenu" ? "menu" : undefined;
  if (unheard || key || leaf(e.key)) {
    e.preventDefault();
    if (!unheard && key) wish("key/" + key);
    return;
  }
  const onButton = e.target.tagName === "BUTTON" || e.target.tagName === "A"; // Enter is theirs
  if (page.menu) {
    if (e.key === "Enter" && !onButton) wish("key/ok");
    return;
  }
  if (e.key in ahead) {
    e.preventDefault();
    move(ahead[e.key]);
  }
  if ((e.key === "Escape" || e.key === "BrowserBack" || e.key === "GoBack") && page.cancel) wish("cancel");
  if (e.key === "Enter" && !onButton && page.pick) wish("pick");
});

let away, told = -Infinity;
function near() {
  // Somebody is here, which the box needs to know at night; not at each move.
  if (performance.now() - told > (page.night || page.stay ? 1000 : 60000)) {
    told = performance.now();
    wish("touch");
  }
  showButtons();
}

// The buttons fade when nobody has been at the screen for some time.
const fadeAfter = 10000;
const isFaded = () => !document.body.classList.contains("near") && !document.body.classList.contains("leaving");
function showButtons() {
  document.body.classList.add("near");
  clearTimeout(away);
  away = setTimeout(() => {
    document.body.classList.remove("near");
    // Over photos the arrows turn them again.
    if (document.body.classList.contains("photos") && document.activeElement.closest("#buttons")) document.activeElement.blur();
  }, fadeAfter);
}
showButtons();
$("buttons").addEventListener("focusin", showButtons); // by a screen reader, without a key
for (const e of ["pointermove", "pointerdown"]) addEventListener(e, near);

// The pages. A browser reconnects by itself while the box is down.
let lost, visit;
function showOffline(on) {
  if ($("offline").hidden !== on) return;
  show("offline", on);
  fit();
}
const heard = () => {
  clearTimeout(lost);
  lost = undefined;
  showOffline(false);
};
const unheard = () => {
  lost ||= setTimeout(() => {
    showOffline(true);
    if (transient) slides.clear(); // nobody could say that the guest has gone
  }, 4000);
};
const stream = pages((what, data) => {
  switch (what) {
  case "open":
    setUp().then(() => layOut(page)).catch(() => {}); // another daemon may speak another language
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
    fetch("screen.json").then(r => { if (r.status === 401) location.reload(); }).catch(() => {});
    unheard();
    break;
  case "lost":
    unheard();
  }
});
function take(p) {
  const before = visit;
  visit = p.visit || "";
  // Somebody was forgotten: nothing of what was shown is kept.
  if (before !== undefined && before !== visit) location.replace("clear");
  else layOut(p);
}
function connect() {
  const dpr = devicePixelRatio || 1;
  stream.connect(Math.round(innerWidth * dpr), Math.round(innerHeight * dpr));
}
setUp().catch(() => {}).finally(connect);
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", e => { if (e.persisted) connect(); });
// Photos come at the size that was told when the stream began.
let resized;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(connect, 1000);
});
