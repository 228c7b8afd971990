"use strict";
// Shows the screen as a picture where the other scripts can't: a browser may be too old
// for them, a file may not have come, or an error may have ended them. It runs in every
// browser that has scripts (ECMAScript 3) and needs no other file.
//
// The attribute data-laid of the body is "no" while a page waits to be laid out.
(function () {
  var patience = 10; // seconds that a page may wait, then the picture is shown
  var every = 10000; // milliseconds from one picture to the next
  var waited = 0, picture = null, turn = new Date().getTime(), timer;

  function renew() {
    clearTimeout(timer);
    timer = setTimeout(renew, every);
    if (!picture) return;
    // No picture has such a name, so the box sends the newest one at once, and no cache
    // has it.
    turn++;
    picture.src = "screen.jpg?w=" + side(window.innerWidth, 1920) + "&h=" + side(window.innerHeight, 1080) + "&after=" + turn;
  }

  // side returns a width or a height that the box draws.
  function side(pixels, otherwise) {
    var n = Math.round(pixels * (window.devicePixelRatio || 1)) || otherwise;
    return Math.max(16, Math.min(n, 3840));
  }

  function showPicture() {
    if (picture) return;
    picture = document.createElement("img");
    picture.id = "picture";
    picture.alt = "";
    // An old picture does not stay: nobody could say that a guest has gone.
    picture.onload = picture.onerror = function (e) {
      if (picture) picture.style.visibility = e.type === "load" ? "visible" : "hidden";
    };
    document.body.appendChild(picture);
    renew();
  }

  function hidePicture() {
    clearTimeout(timer);
    if (picture) document.body.removeChild(picture);
    picture = null;
  }

  setInterval(function () {
    if (!document.body) return;
    if (document.body.getAttribute("data-laid") !== "no") {
      waited = 0;
      hidePicture();
    } else if (++waited >= patience) {
      showPicture();
    }
  }, 1000);
})();
