"use strict";
// The page of a link: it brings the link's token to the box, once it is on a screen.
// A program that makes a preview of the page shows it to nobody.

const byId = id => document.getElementById(id);
let busy = false;

function bring() {
  if (busy) return;
  busy = true;
  ask("POST", "/link", status => {
    if (isOK(status)) {
      location.replace("/");
      return;
    }
    const gone = status === 410;
    byId("note").textContent = byId("note").dataset[gone ? "gone" : "lost"];
    if (gone) {
      byId("goon").hidden = true;
      setTimeout(() => location.replace("/"), 10000); // where it waits to be let in
      return;
    }
    busy = false;
    setTimeout(bring, 5000); // a kiosk may start before the box
  }, "token=" + encodeURIComponent(location.hash.slice(1)));
}

byId("goon").addEventListener("click", bring);
if (document.visibilityState === "visible") bring();
else document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") bring(); });
