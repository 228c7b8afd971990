"use strict";

// Renews what the remote shows while it is seen. Without scripts the page shows what was
// on the screen when it was loaded. Nothing is announced, and nothing that has the focus
// is replaced.
const every = 4000;
const parts = ["shown", "main", "sound", "acts"];

function renew() {
  if (document.hidden) return;
  const r = new XMLHttpRequest();
  r.open("GET", location.pathname + "/now");
  r.onload = () => { // without an answer the phone is out of reach for a moment
    if (r.status === 410) location.reload();
    if (r.status !== 200) return;
    const fresh = new DOMParser().parseFromString(r.responseText, "text/html");
    for (const id of parts) {
      const old = document.getElementById(id), next = fresh.getElementById(id);
      if (!old || !next || old.innerHTML === next.innerHTML || old.contains(document.activeElement)) continue;
      old.textContent = "";
      while (next.firstChild) old.appendChild(next.firstChild);
    }
  };
  r.send();
}
setInterval(renew, every);
document.addEventListener("visibilitychange", renew);
