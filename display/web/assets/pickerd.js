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
  const steps = p.steps || [];
  if (steps.join("\n") !== [...$("steps").children].map(li => li.textContent).join("\n")) {
    $("steps").replaceChildren(...steps.map(s => Object.assign(document.createElement("li"), {textContent: s})));
  }
  layOutCode(p);
  layOutBars(p);
  for (const [id, label] of [["pick", p.pick], ["cancel", p.cancel]]) {
    text(id, label);
    show(id, label);
  }
  slides.show(p.photo, p.next);
  tick();
}

function layOutCode(p) {
  show("scan", p.qr);
  if (!p.qr) return;
  if ($("qr").getAttribute("src") !== p.qr) {
    $("qr").src = p.qr;
    $("qrlink").href = p.qr_link;
  }
  $("qr").alt = p.code ? `QR code for ${p.link}, code ${p.code}` : `QR code for ${p.link}`;
  text("link", p.link);
  text("code", p.code);
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
  text("retry", retry >= 1 ? `Trying again in ${Math.round(retry)} s.` : "");
}
setInterval(tick, 1000);

// Two layers that fade into each other. A photo that can't be loaded is passed
// over: the one before stays.
const slides = {
  now: null,
  layer: null,
  async show(photo, next) {
    document.body.classList.toggle("photos", !!photo);
    text("alt", photo && photo.alt);
    if (!photo) return this.clear();
    if (this.now === photo.src) return this.ahead(next);
    this.now = photo.src;
    const layer = document.createElement("div");
    layer.className = "slide";
    const front = photo.video ? this.video(photo.src) : new Image();
    front.className = "front";
    front.alt = photo.alt;
    if (!photo.video) front.src = photo.src;
    try {
      if (!photo.video) await front.decode();
    } catch {
      return;
    }
    if (this.now !== photo.src) return; // another came meanwhile
    if (!photo.video) {
      const back = new Image();
      back.className = "back";
      back.alt = "";
      back.src = photo.src;
      layer.append(back);
      this.limit(front);
    }
    layer.append(front);
    $("slides").append(layer);
    layer.offsetWidth; // lets the fade begin
    layer.classList.add("on");
    const old = this.layer;
    this.layer = layer;
    if (old) setTimeout(() => old.remove(), 1500);
    this.ahead(next);
  },
  // A tiny picture is not blown up beyond four times its size.
  limit(img) {
    const most = 4 / (devicePixelRatio || 1);
    img.style.maxWidth = Math.round(img.naturalWidth * most) + "px";
    img.style.maxHeight = Math.round(img.naturalHeight * most) + "px";
  },
  video(src) {
    const v = document.createElement("video");
    v.muted = v.autoplay = v.loop = v.playsInline = true;
    v.src = src;
    return v;
  },
  ahead(next) {
    if (next && !next.video) new Image().src = next.src;
  },
  clear() {
    if (!this.now) return;
    this.now = null;
    const old = this.layer;
    this.layer = null;
    if (old) setTimeout(() => old.remove(), 1500);
  },
};

// Wishes.
async function wish(name) {
  try {
    await fetch(name, {method: "POST"});
  } catch { /* the stream shows what is wrong */ }
}
$("pick").onclick = () => wish("pick");
$("cancel").onclick = () => wish("cancel");
addEventListener("keydown", e => {
  near();
  if (e.target.tagName === "BUTTON" || e.target.tagName === "A") return;
  if (e.key === "Enter" && page.pick) wish("pick");
  if ((e.key === "Escape" || e.key === "BrowserBack" || e.key === "GoBack") && page.cancel) wish("cancel");
});

let away;
function near() {
  document.body.classList.add("near");
  clearTimeout(away);
  away = setTimeout(() => document.body.classList.remove("near"), 5000);
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
