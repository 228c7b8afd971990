"use strict";
// Where photos and films are on the screen. It computes the same as Layout in the package
// display/photo, whose comments say why: all screens have to agree.

const maxEnlargement = 4, maxLoss = 0.12, matMargin = 75, matBevel = 4;
const bevelOf = (w, h) => Math.max(Math.floor((Math.min(w, h) * matBevel + 500) / 1000), 1);

// shareOf returns the size of the part of a screen that one of n photos has.
function shareOf(look, w, h, n) {
  if (n > 1 && h > w) return shareOf(look, h, w, n).reverse();
  if (look.mat) {
    const m = Math.max(Math.floor(Math.min(w, h) * matMargin / 1000), 3 * bevelOf(w, h));
    return [Math.max(Math.floor((w - (n + 1) * m) / n), 1), Math.max(h - 2 * m, 1)];
  }
  if (n === 1) return [w, h];
  return [Math.max(Math.floor(w / n) - Math.floor(w / (look.fill || look.auto ? 200 : 100)), 1), h];
}

// placesOf returns where photos of the given sizes are on a screen of w by h pixels, and
// whether they cover their place.
function placesOf(look, drift, w, h, photos) {
  const n = photos.length;
  if (n > 1 && h > w) {
    return placesOf(look, [drift[1], drift[0]], h, w, photos.map(p => [p[1], p[0]])).map(p => ({x: p.y, y: p.x, w: p.h, h: p.w, cover: p.cover}));
  }
  const [sw, sh] = shareOf(look, w, h, n), bevel = look.mat ? bevelOf(w, h) : 0;
  const all = photos.map(p => {
    const x = sw / p[0], y = sh / p[1], less = Math.min(x, y), more = Math.max(x, y);
    const cover = !look.mat && (!!look.fill || !!look.auto && less < more && 1 - less / more < maxLoss), f = Math.min(cover ? more : less, maxEnlargement);
    const side = (of, most) => Math.min(Math.max(Math.floor(of * f + 0.5), 1), most);
    return {w: side(p[0], sw), h: side(p[1], sh), cover};
  });
  const spare = all.reduce((left, p) => left - p.w, w), shared = n > 1 && all.some(p => p.cover);
  let x = 0;
  all.forEach((p, i) => {
    x += Math.floor(spare / (n + 1));
    p.x = (shared ? Math.floor(i * (w - sw) / (n - 1)) + Math.floor((sw - p.w) / 2) : x) + drift[0] * bevel;
    p.y = Math.floor((h - p.h) / 2) + drift[1] * bevel;
    x += p.w;
  });
  return all;
}
