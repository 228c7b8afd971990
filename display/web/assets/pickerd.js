"use strict";
// Lays out the pages that the daemon sends. It decides nothing: what is in a
// page is shown, what is not is hidden.

const $ = id => document.getElementById(id);
const text = (id, s) => { if ($(id).textContent !== (s || "")) $(id).textContent = s || ""; };
const show = (id, on) => { $(id).hidden = !on; };

let page = {};
let received = 0; // performance.now() when the page came

function layOut(p) {
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
    $("steps").replaceChildren(...steps.map(s => Object.assign(document.createElement("li"), {textContent: s})));
  }
  layOutCode(p);
  layOutBars(p);
  for (const id of ["pick", "cancel", "renew", "forget"]) {
    text(id, p[id]);
    show(id, p[id]);
  }
  if (!p.forget && $("forgetting").open) $("forgetting").close();
  slides.show(p.photo, p.next);
  tick();
}

function layOutCode(p) {
  show("scan", p.qr);
  if (!p.qr) return;
  if ($("qr").dataset.of !== p.qr) {
    $("qr").dataset.of = $("qr").src = p.qr;
    $("qrlink").href = p.qr_link;
  }
  $("qr").alt = p.code ? `QR code for ${p.link}, code ${p.code}` : `QR code for ${p.link}`;
  text("link", p.link);
  text("code", p.code);
  text("spoken", p.spoken);
  show("typed", p.link);
  show("codeline", p.code);
  fitCode();
}

// Every module of the QR code gets the same whole number of device pixels.
function fitCode() {
  const img = $("qr"), modules = page.qr_modules;
  if (!modules) return;
  img.style.width = img.style.height = "";
  const dpr = devicePixelRatio || 1;
  const room = Math.min(img.clientWidth, innerWidth * 0.9) * dpr;
  const size = Math.max(1, Math.floor(room / modules)) * modules / dpr;
  img.style.width = img.style.height = size + "px";
}
addEventListener("resize", fitCode);
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
    text("count", `${done} of ${total} photos` + (failed ? `, ${failed} failed` : ""));
    $("meter").max = Math.max(total, 1);
    $("meter").value = done;
  }
  text("message", p.problem);
  text("remedy", p.remedy);
  show("problem", p.problem);
}

// Countdowns run here, from the seconds that the page came with.
function tick() {
  const gone = (performance.now() - received) / 1000;
  const clock = s => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
  const left = Math.max(0, (page.left || 0) - gone);
  text("left", !page.left ? "" : left > 6 * 3600 ? "" : `Good for ${clock(left)}`);
  const retry = (page.retry_in || 0) - gone;
  const again = retry >= 90 ? `Trying again in ${Math.round(retry / 60)} min.` : retry >= 1 ? `Trying again in ${Math.round(retry)} s.` : "";
  text("retry", page.problem ? again : "");
  text("again", page.problem ? "" : again);
}
setInterval(tick, 1000);

// Two layers that fade into each other. A photo that can't be loaded is passed
// over and tried again: until it can be shown, the one before stays.
const slides = {
  wanted: null,
  layer: null,
  again: undefined,
  async show(photo, next) {
    text("alt", photo && photo.alt);
    if (!photo) return this.clear();
    if (this.wanted === photo.src) return this.ahead(next);
    this.wanted = photo.src;
    clearTimeout(this.again);
    let front;
    try {
      front = photo.video ? await this.film(photo) : await this.picture(photo);
    } catch {
      if (this.wanted !== photo.src) return;
      this.wanted = null;
      this.again = setTimeout(() => this.show(page.photo, page.next), 5000);
      return;
    }
    if (this.wanted !== photo.src) return; // another came meanwhile
    this.fade(photo, front);
    this.ahead(next);
  },
  fade(photo, front) {
    const layer = document.createElement("div");
    layer.className = "slide";
    if (!photo.video) {
      const back = new Image();
      back.className = "back";
      back.alt = "";
      back.src = photo.src;
      layer.append(back);
    }
    layer.append(front);
    $("slides").append(layer);
    layer.offsetWidth; // lets the fade begin
    layer.classList.add("on");
    document.body.classList.add("photos");
    this.drop(this.layer);
    this.layer = layer;
  },
  drop(layer) {
    if (layer) setTimeout(() => layer.remove(), 1500);
  },
  async picture(photo) {
    const img = new Image();
    img.className = "front";
    img.alt = photo.alt;
    img.src = photo.src;
    await img.decode();
    // A tiny picture is not blown up beyond four times its size.
    const most = 4 / (devicePixelRatio || 1);
    img.style.maxWidth = Math.round(img.naturalWidth * most) + "px";
    img.style.maxHeight = Math.round(img.naturalHeight * most) + "px";
    return img;
  },
  film(photo) {
    const v = document.createElement("video");
    v.className = "front";
    v.muted = v.autoplay = v.loop = v.playsInline = true;
    return new Promise((ok, bad) => {
      v.onloadeddata = () => ok(v);
      v.onerror = bad;
      v.src = photo.src;
    });
  },
  ahead(next) {
    if (next && !next.video) new Image().src = next.src;
  },
  clear() {
    document.body.classList.remove("photos");
    clearTimeout(this.again);
    this.wanted = null;
    this.drop(this.layer);
    this.layer = null;
  },
};

// Wishes.
async function wish(name) {
  try {
    await fetch(name, {method: "POST"});
  } catch { /* the stream shows what is wrong */ }
}
for (const id of ["pick", "cancel", "renew"]) $(id).onclick = () => wish(id);
$("qrlink").onclick = () => $("qrlink").blur();

// Forgetting asks once more, with the way back first: a remote control's OK is
// easily pressed.
$("forget").onclick = () => $("forgetting").showModal();
const forget = where => () => {
  $("forgetting").close();
  if (where) wish(where);
};
$("keep").onclick = forget();
$("here").onclick = forget("forget");
$("everywhere").onclick = forget("forget?everywhere=true");

// A remote control has arrows, OK and Back.
const ahead = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};
function move(step) {
  const within = $("forgetting").open ? $("forgetting") : $("buttons");
  const all = [...within.querySelectorAll("button")].filter(b => !b.hidden);
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const first = $("forgetting").open ? 0 : all.length - 1; // the harmless one, the likeliest one
  // Where it is about forgetting, no way leads around the end.
  const last = all.length - 1, next = at + step;
  all[at < 0 ? first : $("forgetting").open ? Math.min(Math.max(next, 0), last) : (next + all.length) % all.length].focus();
}
addEventListener("keydown", e => {
  near();
  if (e.key in ahead) {
    e.preventDefault();
    move(ahead[e.key]);
  }
  if (e.key === "Escape" || e.key === "BrowserBack" || e.key === "GoBack") {
    if ($("forgetting").open) $("forgetting").close();
    else if (page.cancel) wish("cancel");
  }
  if (e.target.tagName === "BUTTON" || e.target.tagName === "A") return; // Enter is theirs
  if (e.key === "Enter" && page.pick && !$("forgetting").open) wish("pick");
});

let away;
function near() {
  document.body.classList.add("near");
  clearTimeout(away);
  away = setTimeout(() => {
    document.body.classList.remove("near");
    // What can't be seen any more must not be pressed.
    if (document.body.classList.contains("photos") && document.activeElement.closest("#buttons")) document.activeElement.blur();
  }, 10000);
}
for (const e of ["pointermove", "pointerdown"]) addEventListener(e, near);

// The stream. A browser reconnects by itself while the box is down, except
// after an answer that is not a stream; and it says nothing of a dead line.
const quiet = 40000;
let stream, watchdog, lost;
function connect() {
  if (stream) stream.close();
  const dpr = devicePixelRatio || 1;
  stream = new EventSource(`events?w=${Math.round(innerWidth * dpr)}&h=${Math.round(innerHeight * dpr)}`);
  const heard = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(connect, quiet);
    clearTimeout(lost);
    lost = undefined;
    show("offline", false);
  };
  stream.onopen = heard;
  stream.addEventListener("here", heard);
  stream.addEventListener("page", e => { heard(); layOut(JSON.parse(e.data)); });
  stream.onerror = () => {
    lost ||= setTimeout(() => show("offline", true), 4000);
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
}
connect();
// Photos come at the size that was told when the stream began.
let resized;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(connect, 1000);
});
