"use strict";
// The films of slides: where they are, how they sound, and what the box is told of them.

const tellEvery = 10000; // milliseconds from one report on a film to the next
const late = 2; // seconds that a film has played when this display joins it where it is
const markFor = 15000; // milliseconds that a mark about the sound stays

// Safari 10 refuses a const that is called like an element.
var films = {
  blocked: false, // the browser refuses sound until somebody touches it
  silent: location.hash === "#muted", // this display alone
  mark: undefined, // its timer
  since: undefined, // of the page whose film plays
  // volume returns how loud films are, from 0 to 1.
  volume() {
    return this.blocked || this.silent || page.muted || document.hidden ? 0 : (look.volume || 0) / 100;
  },
  of: layer => layer ? Array.from(layer.querySelectorAll("video")) : [],
  now() { return this.of(slides.layer); },

  // make returns a film that is loaded and does not play yet.
  make(m, slide) {
    const v = document.createElement("video");
    v.className = "front";
    v.media = m;
    v.muted = v.defaultMuted = v.playsInline = true; // until it plays, see start
    v.setAttribute("playsinline", ""); // Safari 10 has no property
    v.preload = "auto";
    v.addEventListener("loadedmetadata", () => {
      const at = slide.at >= late ? slide.at + (slide.held ? 0 : (performance.now() - received) / 1000) : 0;
      if (at) v.currentTime = v.duration < Infinity ? Math.max(0, Math.min(at, v.duration - 0.5)) : at;
      this.tend();
    });
    for (const e of ["playing", "durationchange", "ended"]) v.addEventListener(e, () => this.tell(v));
    v.addEventListener("timeupdate", () => this.showBlocked(v));
    // Chromium pauses a film whose sound comes too early for it, and rejects nothing.
    v.addEventListener("pause", () => {
      if (!v.on || v.muted || v.ended || v.again || page.slide && page.slide.held) return;
      v.again = true;
      this.play(v);
    });
    return v;
  },
  // follow takes in a page with the slide that is shown. Somebody may have had its film
  // begin anew.
  follow() {
    const slide = page.slide, anew = page.since !== this.since;
    if (!(slide.at >= 1) && (anew || !slide.followed && page.next)) {
      for (const v of this.now()) {
        if (v.currentTime > (anew ? 0 : late)) v.currentTime = 0;
      }
    }
    slide.followed = true;
    this.since = page.since;
    this.tend();
  },
  // start has the films of a layer begin, and stop has them end.
  start(layer) {
    this.since = page.since;
    for (const v of this.of(layer)) {
      v.on = true;
      v.volume = 0;
    }
    this.tend(look.fade);
  },
  stop(layer, seconds) {
    for (const v of this.of(layer)) {
      v.on = false;
      this.fade(v, 0, seconds, () => v.pause());
    }
  },
  // free lets go of what a film has in memory.
  free(layer) {
    for (const v of this.of(layer)) {
      clearInterval(v.fading);
      v.on = false;
      v.onerror = null;
      v.pause();
      v.removeAttribute("src");
      v.load();
    }
  },
  // tend has the films on the screen play or pause, sound and repeat as the page says. A
  // film that is not much shorter than a photo's time ends with its last picture, not
  // with its beginning, when another slide follows.
  tend(seconds) {
    for (const v of this.now()) {
      if (!v.on) continue;
      v.loop = !page.next || !(v.duration > look.interval - 3);
      this.fade(v, this.volume(), seconds || 0.3);
      if (page.slide && page.slide.held) v.pause();
      else if (v.paused && (!v.ended || v.loop)) this.play(v);
    }
  },
  // play has a film play, mute where the browser refuses it with sound.
  play(v) {
    const refused = () => {
      if (v.muted || !v.on) return; // it stays as it is then
      this.blocked = v.muted = true;
      clearInterval(v.fading);
      v.to = 0;
      this.play(v);
    };
    const promise = v.play();
    if (promise) promise.catch(e => { if (e.name === "NotAllowedError") refused(); });
    else setTimeout(() => { if (v.paused && !v.ended && !(page.slide && page.slide.held)) refused(); }, 500); // Safari 10
  },
  // fade brings a film to a volume.
  fade(v, to, seconds, then) {
    if (v.to === to && !then) return;
    clearInterval(v.fading);
    const from = v.muted ? 0 : v.volume, began = performance.now();
    const step = () => {
      const part = Math.min(1, (performance.now() - began) / 1000 / (seconds || 0.001));
      v.volume = from + (to - from) * part;
      if (part < 1) return;
      clearInterval(v.fading);
      v.muted = !to; // an iPhone has no volume
      if (then) then();
    };
    v.to = to;
    v.volume = from;
    if (to) v.muted = false;
    v.fading = setInterval(step, 40);
    if (!from && !to) step();
  },

  // tell reports how much is left of a film of the box's slide. A tab that nobody sees
  // does not hold it up.
  tell(v, torn) {
    const over = v.ended || torn;
    if (!page.stream || document.hidden || !v.on || v.paused && !over || !slides.has(v.media)) return;
    if (v.loop && v.told === page.stream) return; // the box knows when it ends first
    v.told = page.stream;
    v.toldAt = v.currentTime;
    const left = over ? 0 : v.duration < Infinity ? Math.max(0.001, v.duration - v.currentTime) : -1;
    ask("POST", v.media.src.replace("media/", "plays/") + "?" + (left < 0 ? "" : "left=" + left.toFixed(3) + "&") + "stream=" + page.stream, () => {});
  },
  tellAll() { this.now().forEach(v => this.tell(v)); },

  // showBlocked says how to get sound, for a while, once for a film that has any.
  showBlocked(v) {
    if (!this.blocked || v.marked || !v.on || !look.volume || page.muted || this.silent || v.webkitAudioDecodedByteCount === 0) return;
    v.marked = true;
    this.say("sound_blocked");
  },
  say(key) {
    clearTimeout(this.mark);
    this.mark = setTimeout(() => this.hush(), markFor);
    text("sound", say(key));
    show("sound", true);
    fit();
  },
  hush() {
    if ($("sound").hidden) return;
    show("sound", false);
    fit();
  },
  // touched tries again after a touch or a key, before which browsers refuse sound. It
  // reports whether that was what a mark has asked for.
  touched() {
    if (!this.blocked) return false;
    const asked = !$("sound").hidden;
    this.blocked = false;
    this.hush();
    this.now().forEach(v => {
      v.marked = false;
      v.to = -1; // begins the fade anew
    });
    this.tend();
    return asked;
  },
  // toggle switches the sound of this display alone. The page's address keeps it.
  toggle() {
    this.silent = !this.silent;
    history.replaceState(null, "", this.silent ? "#muted" : location.pathname + location.search);
    this.tend();
    this.say(this.silent ? "sound_off" : "sound_on");
  },
};
setInterval(() => films.now().forEach(v => { if (v.toldAt !== v.currentTime) films.tell(v); }), tellEvery);
document.addEventListener("visibilitychange", () => films.tend());
for (const e of ["click", "touchend"]) addEventListener(e, () => films.touched(), true);
addEventListener("keydown", e => {
  const asked = films.touched(), key = keyNamed(e);
  if ((key === "ok" || key === "space") && asked && !page.menu) {
    e.preventDefault();
    e.stopImmediatePropagation(); // the key was for that
  }
  if (/^m$/i.test(e.key) && !e.ctrlKey && !e.metaKey && !e.altKey) films.toggle();
}, true);
// Keys that the system gives to who plays sound.
if (navigator.mediaSession) {
  for (const [action, name] of [["play", "pause"], ["pause", "pause"], ["nexttrack", "next"], ["previoustrack", "previous"]]) {
    navigator.mediaSession.setActionHandler(action, () => wish(name));
  }
}
