"use strict";
// Requests to the box. They are made with XMLHttpRequest, because televisions of some
// years ago have no fetch, or one that sends no cookie.

const patience = 30000; // milliseconds

// ask sends a request and calls done(status, text), with the status 0 if there was no
// answer. A form is sent as it is.
function ask(method, path, done, form) {
  const r = new XMLHttpRequest();
  r.open(method, path);
  r.timeout = patience;
  r.onloadend = () => done(r.status, r.responseText);
  if (form) r.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
  r.send(form || null);
}

const isOK = status => status >= 200 && status < 300;
