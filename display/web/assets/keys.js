"use strict";
// Buttons, pointers, and the keys of keyboards and remote controls.

// wish sends what somebody wants to the box. The stream shows what becomes of it.
const wish = name => ask("POST", name, () => {});
for (const id of ["pick", "cancel", "renew", "forget"]) $(id).onclick = () => wish(id);
$("stay").onclick = () => wish("touch");
$("more").onclick = () => wish("key/menu");
for (const id of ["qrlink", "menulink"]) $(id).onclick = () => $(id).blur();

// What keys are called here, by KeyboardEvent.key.
const keyNames = {
  ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", Enter: "ok", " ": "space",
  Escape: "back", BrowserBack: "back", GoBack: "back", XF86Back: "back", // the last is Tizen's
  ContextMenu: "menu",
  MediaPlayPause: "pause", MediaPlay: "pause", MediaPause: "pause", Pause: "pause",
  AudioVolumeUp: "volume-up", VolumeUp: "volume-up", AudioVolumeDown: "volume-down", VolumeDown: "volume-down", AudioVolumeMute: "mute", VolumeMute: "mute",
  MediaTrackNext: "next", MediaFastForward: "next", MediaTrackPrevious: "previous", MediaRewind: "previous",
};
// The same by KeyboardEvent.keyCode, for browsers that give a key no name: Safari 10
// names none, and those of televisions not all of their remote control.
const keyCodes = {
  13: "ok", 27: "back", 32: "space", 37: "left", 38: "up", 39: "right", 40: "down",
  447: "volume-up", 448: "volume-down", 449: "mute", // CE-HTML, as Tizen and webOS have them
  10009: "back", 10252: "pause", 10232: "previous", 10233: "next", // Tizen
  461: "back", // webOS
  415: "pause", 19: "pause", 412: "previous", 417: "next", // Tizen and webOS
  4: "back", 179: "pause", 227: "previous", 228: "next", // Fire TV
  166: "back", 176: "next", 177: "previous", // Android TV
};
// keyNamed returns what a key is called here, "0" to "9" for a digit, "" for others.
function keyNamed(e) {
  const digit = e.key || (e.keyCode >= 48 && e.keyCode <= 57 ? String(e.keyCode - 48) : "");
  return keyNames[e.key] || keyCodes[e.keyCode] || (/^[0-9]$/.test(digit) ? digit : "");
}

const isOn = (e, selector) => !!e && !!e.closest && !!e.closest(selector);
const onButtons = () => isOn(document.activeElement, "#buttons");

// A remote control has arrows, OK and Back.
const stepOf = {right: 1, down: 1, left: -1, up: -1};
function move(step) {
  const all = Array.from($("buttons").querySelectorAll("button")).filter(b => !b.hidden);
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  all[at < 0 ? all.length - 1 : (at + step + all.length) % all.length].focus(); // the likeliest one first
}
// In the menu the box moves.
const inMenu = ["right", "down", "left", "up", "back", "menu"];
// Over photos left and right turn them, until somebody goes down to the buttons.
function leaf(key) {
  const to = {left: "previous", right: "next", previous: "previous", next: "next", pause: "pause", space: "pause"}[key];
  if (!to || !page.slide || page.menu || onButtons()) return false;
  wish(to);
  return true;
}
// The volume keys mean the same everywhere, unless the television keeps them for itself.
const soundKeys = ["volume-up", "volume-down", "mute"];
let held = false; // a key that only shows the buttons is down
addEventListener("keyup", () => { held = false; });
$("buttons").addEventListener("click", e => {
  if (held || $("buttons").inert) e.stopPropagation(); // older browsers don't know inert
}, true);
addEventListener("keydown", e => {
  const key = keyNamed(e);
  // What can't be seen must not be pressed.
  held = isFaded() && (key === "ok" || key === "space") && onButtons();
  const unheard = page.night || page.stay || held; // a key only wakes the screen then, or means to stay
  near();
  if (page.menu && page.menu.columns && /^[0-9]$/.test(key)) { // the digit keys of a keyboard
    e.preventDefault();
    wish("menu/" + key);
    return;
  }
  if (soundKeys.indexOf(key) >= 0 && !unheard) {
    e.preventDefault();
    wish(key);
    return;
  }
  const sent = page.menu ? inMenu.indexOf(key) >= 0 : key === "menu";
  if (unheard || sent || leaf(key)) {
    e.preventDefault();
    if (!unheard && sent) wish("key/" + key);
    return;
  }
  const onButton = e.target.tagName === "BUTTON" || e.target.tagName === "A"; // Enter is theirs
  if (page.menu) {
    if (key === "ok" && !onButton) wish("key/ok");
    return;
  }
  if (key in stepOf) {
    e.preventDefault();
    move(stepOf[key]);
  }
  if (key === "back") {
    if (page.cancel) e.preventDefault(); // the browser would leave the page
    wish(page.cancel ? "cancel" : "key/back");
  }
  if (key === "ok" && !onButton && page.pick) wish("pick");
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
    if (document.body.classList.contains("photos") && onButtons()) document.activeElement.blur();
  }, fadeAfter);
}
showButtons();
$("buttons").addEventListener("focusin", showButtons); // by a screen reader, without a key
for (const e of "PointerEvent" in window ? ["pointermove", "pointerdown"] : ["mousemove", "mousedown", "touchstart"]) addEventListener(e, near);
