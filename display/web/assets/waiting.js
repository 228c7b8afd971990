"use strict";
// The page of a browser that is not let in yet: it shows a code and asks every two
// seconds whether somebody at the box has allowed it.

const byId = id => document.getElementById(id);
const interval = 2000; // milliseconds; the box forgets a browser that is silent for 15 s
let waits = false; // the box has given this browser a code

// say shows one of the page's notes, "" for none.
function say(what) {
  const text = what && byId("note").dataset[what];
  if (byId("note").textContent !== (text || "")) byId("note").textContent = text || "";
}

function show(waiting) {
  const known = byId("waitcode").textContent === waiting.code;
  byId("waitcode").hidden = byId("waithelp").hidden = byId("step").hidden = false;
  if (known) return;
  byId("waitcode").textContent = waiting.code;
  byId("waitqr").src = "data:image/svg+xml," + encodeURIComponent(waiting.picture);
}

function hide() {
  byId("waitcode").textContent = "";
  byId("waitcode").hidden = byId("waithelp").hidden = byId("step").hidden = true;
}

function allowed() {
  ask("POST", "/waiting", (status, answer) => {
    let after = interval;
    if (isOK(status)) {
      const waiting = JSON.parse(answer);
      if (waiting.allowed) {
        location.replace("/");
        return;
      }
      waits = true;
      show(waiting);
      say("");
    } else if (!status) {
      say("lost");
    } else {
      // The box takes a browser without a cookie for another one.
      const lost = waits && status === 409;
      hide();
      say(lost ? "cookies" : status === 409 ? "taken" : status === 503 ? "full" : "lost");
      after = 5 * interval;
    }
    setTimeout(allowed, after);
  });
}

allowed();
