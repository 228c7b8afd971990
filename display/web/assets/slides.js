"use strict";
// The photos and films behind the words, which pickerd.js lays out.

// decoded loads a picture, and decodes it where the browser can do so beforehand.
function decoded(img, src) {
  return new Promise((ok, bad) => {
    if (!img.decode) img.onload = ok;
    img.onerror = bad;
    img.src = src;
    // eslint-disable-next-line no-restricted-syntax -- Chromium has it since 64
    if (img.decode) img.decode().then(ok, bad);
  });
}

// turned draws a picture upright, as its Exif orientation says.
function turned(img, orientation) {
  const c = document.createElement("canvas"), w = img.naturalWidth, h = img.naturalHeight, d = c.getContext("2d");
  c.width = orientation > 4 ? h : w;
  c.height = orientation > 4 ? w : h;
  d.transform(...[[-1, 0, 0, 1, w, 0], [-1, 0, 0, -1, w, h], [1, 0, 0, -1, 0, h], [0, 1, 1, 0, 0, 0], [0, 1, -1, 0, h, 0], [0, -1, -1, 0, h, w], [0, -1, 1, 0, 0, w]][orientation - 2]);
  d.drawImage(img, 0, 0);
  return c;
}

// orientationOf calls then with the Exif orientation that a loaded picture still has to be
// turned by, 0 for none. No browser is known to turn a WebP: one that learns it is seen by
// the picture's proportions, if they change. Old ones turn no photo, except on iPhones and
// iPads, which turn all but don't know the property before iOS 13.4.
const turnsPhotos = !!window.CSS && CSS.supports("image-orientation", "from-image") || /iP(ad|hone|od)/.test(navigator.userAgent);
function orientationOf(m, img, then) {
  if (m.turn) return then(m.turn < 5 || img.naturalWidth > img.naturalHeight === !!m.wide ? m.turn : 0);
  if (turnsPhotos || !/\.jpg$/.test(m.src)) return then(0);
  ask("GET", m.src.replace("media/", "turn/"), (status, answer) => then(isOK(status) && answer > 1 ? Number(answer) : 0));
}

// isClear reports whether a picture may be transparent.
const isClear = m => !/\.jpg$/.test(m.src);

// keyOf names a slide by what is on it.
const keyOf = slide => slide.media.map(m => m.src).join(" ");

// Two layers that fade into each other. A photo that can't be loaded is tried again:
// until then the one before stays. What this browser can't show it tells the box, and
// shows the next slide meanwhile: other displays may show this one.
var slides = { // Safari 10 refuses a const that is called like an element
  wanted: null, // key of the box's slide
  shown: null, // key of the slide in layer
  layer: null,
  again: undefined,
  none: false, // words say that nothing can be shown
  lacks: [], // of the wanted slide: what the box was told
  stream: undefined, // that told it
  caption: "", // of the slide that is seen
  show(slide, next) {
    text("alt", slide && slide.alt);
    if (!slide) return this.clear();
    const key = keyOf(slide);
    if (this.wanted === key) {
      if (this.stream !== page.stream) { // the box knows streams only
        this.lacks.forEach(l => this.tell(l));
        films.tellAll();
      }
      this.stream = page.stream;
      if (this.shown === key) this.dress(this.layer, slide);
      if (this.shown === key && this.caption !== (slide.caption || "")) {
        this.caption = slide.caption || "";
        layOutBars(page);
      }
      if (this.shown === key) films.follow();
      return this.ahead(next);
    }
    this.wanted = key;
    slide.followed = true;
    films.since = page.since;
    this.stream = page.stream;
    this.lacks = [];
    clearTimeout(this.again);
    if (this.layer && this.shown === key) { // it was shown before its turn
      if (this.layer.querySelector(".unplayed")) slide.media.filter(m => m.video).forEach(m => this.cannot(m, true));
      films.tend();
      films.tellAll();
      return this.ahead(next);
    }
    const attempt = last => this.load(slide).then(fronts => {
      if (this.wanted !== key) return this.letGo(fronts); // another came meanwhile
      this.fade(slide, fronts);
      this.ahead(next);
    }, m => this.isThere(m, there => {
      if (this.wanted !== key) return;
      if (!there) return this.retry(5000);
      if (!last) return attempt(true);
      this.cannot(m, false);
      this.instead(key, page.next);
    }));
    attempt(false);
  },
  load(slide) {
    return Promise.all(slide.media.map(m => m.video ? this.film(m, slide) : this.picture(m, slide.alt)));
  },
  retry(after) {
    this.again = setTimeout(() => {
      this.wanted = null;
      layOut(page);
    }, after);
  },
  // isThere asks whether the box can be reached and has a file: then what failed is the
  // browser's lack.
  isThere(m, then) { ask("HEAD", m.src, status => then(isOK(status))); },
  cannot(m, still) {
    const lack = m.src.replace("media/", "cannot/") + "?" + (still ? "still&" : "") + "stream=";
    this.lacks.push(lack);
    this.tell(lack);
  },
  tell(lack) { if (page.stream) ask("POST", lack + page.stream, () => {}); },
  // instead shows another slide than the wanted one, or says that there is none.
  instead(key, slide) {
    const nothing = () => {
      if (this.wanted !== key) return;
      this.none = true;
      this.empty();
      layOut(page);
      this.retry(60000); // a browser may have lacked memory
    };
    if (!slide) return nothing();
    this.load(slide).then(fronts => {
      if (this.wanted !== key) return this.letGo(fronts);
      this.fade(slide, fronts);
    }, nothing);
  },
  // letGo frees what was loaded and is not shown: a film keeps its download otherwise.
  letGo(fronts) { fronts.forEach(half => films.free(half)); },
  fade(slide, fronts) {
    const layer = document.createElement("div");
    layer.className = "slide";
    layer.classList.toggle("pair", fronts.length > 1);
    const first = slide.media[0], back = new Image();
    back.className = "back";
    back.alt = "";
    back.classList.toggle("clear", !first.video && isClear(first));
    back.onerror = () => back.remove(); // a film without a still
    back.src = first.video ? first.src.replace("media/", "still/") : first.src;
    layer.appendChild(back);
    for (const half of fronts) layer.appendChild(half);
    this.dress(layer, slide);
    $("slides").appendChild(layer);
    layer.offsetWidth; // lets the fade begin
    layer.classList.add("on");
    document.body.classList.add("photos");
    this.drop(this.layer);
    this.layer = layer;
    this.shown = keyOf(slide);
    this.caption = slide.caption || "";
    films.start(layer);
    if (!this.none) return layOutBars(page);
    this.none = false;
    layOut(page);
  },
  drop(layer) {
    if (!layer) return;
    films.stop(layer, page.night ? 0.2 : look.fade);
    setTimeout(() => {
      films.free(layer);
      layer.remove();
    }, look.fade * 1000 + 300);
  },
  picture(m, alt) {
    const img = new Image();
    img.className = "front";
    img.alt = alt;
    return decoded(img, m.src).then(() => new Promise(ok => orientationOf(m, img, ok))).then(turn => {
      const front = turn ? turned(img, turn) : img, w = img.naturalWidth, h = img.naturalHeight;
      front.className = isClear(m) ? "front clear" : "front";
      return this.half(front, turn > 4 ? [h, w] : [w, h]);
    }).catch(() => Promise.reject(m));
  },
  // dress has a layer look as the style and the slide say.
  dress(layer, slide) {
    layer.drift = slide.drift;
    Array.from(layer.querySelectorAll(".half")).forEach((half, i) => {
      const move = (slide.media[i] || {}).move, s = half.querySelector(".front").style;
      half.classList.toggle("moves", !!move);
      if (!move) return;
      s.transformOrigin = `${100 * move.x}% ${100 * move.y}%`;
      s.animationDirection = move.out ? "reverse" : "normal";
    });
    this.place(layer);
  },
  // place puts the photos or films of a layer on the screen, on whole pixels of the device.
  place(layer) {
    const dpr = devicePixelRatio || 1, w = Math.round(innerWidth * dpr), h = Math.round(innerHeight * dpr);
    const halves = Array.from(layer.querySelectorAll(".half")), bevel = look.mat ? bevelOf(w, h) : 0;
    const places = placesOf(look, layer.drift || [0, 0], w, h, halves.map(half => (half.size || [w, h]).map(n => half.classList.contains("film") ? 100 * n : n))); // films are never too small
    places.forEach((p, i) => {
      const set = (name, pixels) => { halves[i].style[name] = pixels / dpr + "px"; };
      set("left", p.x - bevel);
      set("top", p.y - bevel);
      set("width", p.w + 2 * bevel);
      set("height", p.h + 2 * bevel);
      set("borderWidth", bevel);
      halves[i].classList.toggle("cut", p.cover);
      halves[i].classList.toggle("unsized", !halves[i].size);
    });
    layer.classList.toggle("full", places.length > 1 ? places.every(p => p.cover) : places[0].w >= w && places[0].h >= h);
  },
  // half returns the frame of a picture or film. size is what it has, undefined as long as
  // that is not known.
  half(front, size) {
    const half = document.createElement("div");
    half.className = "half";
    half.size = size;
    half.appendChild(front);
    return half;
  },
  // A film shows its still until it plays. Where it can't be played the still stays, with
  // a mark, and the box is told.
  film(m, slide) {
    const v = films.make(m, slide), still = new Image(), half = this.half(v);
    half.classList.add("film");
    still.className = "front";
    return new Promise((ok, bad) => {
      let plays, seen; // undefined until it is known
      const settle = () => {
        if (plays === false && seen === false) return bad(m);
        if (plays === false && seen && v.parentNode) {
          v.on = false;
          v.pause(); // sound alone would keep it in memory
          half.replaceChild(still, v);
          half.classList.add("unplayed");
          this.isThere(m, there => { if (there && this.has(m)) this.cannot(m, true); });
        }
        if (plays || seen) ok(half);
      };
      v.onloadedmetadata = () => {
        if (v.videoWidth) half.size = [v.videoWidth, v.videoHeight];
        if (half.parentNode) this.place(half.parentNode);
      };
      v.onloadeddata = () => settle(plays = v.videoWidth > 0); // a browser may play the sound alone
      v.onerror = () => {
        if (plays && v.currentTime) return films.tell(v, true); // a torn film ends here
        settle(plays = false);
      };
      still.onload = () => {
        half.size = half.size || [still.naturalWidth, still.naturalHeight];
        settle(seen = true);
      };
      still.onerror = () => settle(seen = false);
      still.src = v.poster = m.src.replace("media/", "still/");
      v.src = m.src;
    });
  },
  // has reports whether a file is on the wanted slide.
  has(m) { return !!this.wanted && this.wanted.split(" ").indexOf(m.src) >= 0; },
  ahead(next) {
    for (const m of next ? next.media : []) {
      if (!m.video) new Image().src = m.src;
    }
  },
  clear() {
    clearTimeout(this.again);
    this.wanted = null;
    this.none = false;
    this.empty();
  },
  empty() {
    document.body.classList.remove("photos");
    this.drop(this.layer);
    this.layer = null;
  },
};
addEventListener("resize", () => {
  for (const layer of document.querySelectorAll(".slide")) slides.place(layer);
});
