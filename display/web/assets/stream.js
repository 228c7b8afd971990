"use strict";
// The stream of pages. The tabs of a browser share one: a browser opens six connections
// to a host, and a stream for each tab would leave none for photos. This file is both
// the shared worker that has the stream, and a script of the page.

const quiet = 40000; // milliseconds without a message, then the line is dead

// follow returns a stream that calls tell(what, data): "open", "here", "page" with the
// page as JSON, "lost" while the browser reconnects by itself, and "refused" after an
// answer that is not a stream.
function follow(tell) {
  let stream, timer, width, height;
  const again = (after, dead) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (dead) tell("lost"); // the browser may take minutes to notice
      connect();
    }, after);
  };
  function connect() {
    if (stream) stream.close();
    const s = stream = new EventSource(`events?w=${width}&h=${height}`);
    const heard = (what, data) => {
      again(quiet, true);
      tell(what, data);
    };
    again(quiet, true);
    s.onopen = () => heard("open");
    s.addEventListener("here", () => heard("here"));
    s.addEventListener("page", e => heard("page", e.data));
    s.onerror = () => {
      const refused = s.readyState === EventSource.CLOSED;
      if (refused) again(2000 + 3000 * Math.random());
      tell(refused ? "refused" : "lost");
    };
  }
  return {
    // connect begins to follow, or begins anew. The newest page comes first.
    connect(w, h) {
      width = w;
      height = h;
      connect();
    },
    close() {
      clearTimeout(timer);
      if (stream) stream.close();
      stream = undefined;
    },
  };
}

// serveTabs is the shared worker. A tab sends its size to join, "more" when it has
// taken what it got, and "bye". It gets lists of what happened.
function serveTabs() {
  const tabs = new Map(); // by port
  // A tab that the browser has suspended takes nothing: the newest of each kind waits.
  const flush = (port, tab) => {
    if (tab.busy || !tab.waiting.size) return;
    tab.busy = true;
    port.postMessage([...tab.waiting]);
    tab.waiting.clear();
  };
  const stream = follow((what, data) => tabs.forEach((tab, port) => {
    tab.waiting.delete(what);
    tab.waiting.set(what, data);
    flush(port, tab);
  }));
  let soon, connected = -Infinity;
  const connect = () => {
    connected = performance.now();
    const all = [...tabs.values()];
    if (all.length) stream.connect(Math.max(...all.map(t => t.width)), Math.max(...all.map(t => t.height)));
  };
  const take = (port, message) => {
    if (message === "bye") {
      tabs.delete(port);
      if (!tabs.size) {
        clearTimeout(soon);
        stream.close();
      }
    }
    const tab = tabs.get(port);
    if (message === "more" && tab) {
      tab.busy = false;
      flush(port, tab);
    }
    if (!Array.isArray(message)) return;
    const [width, height] = message;
    tabs.set(port, {width, height, busy: false, waiting: new Map()});
    port.postMessage([]); // the worker has started
    // The stream begins anew for the new tab's size and its first page, once for
    // many tabs that are opened together.
    clearTimeout(soon);
    soon = setTimeout(connect, performance.now() - connected < 200 ? 200 : 0);
  };
  onconnect = e => {
    const port = e.ports[0];
    port.onmessage = m => take(port, m.data);
  };
}

// share returns a stream like that of follow, by the shared worker. unable is called
// where that does not work.
function share(tell, unable) {
  let port, timer, width, height;
  const join = () => {
    leave();
    timer = setTimeout(unable, 30000); // on a busy machine it takes a while to start
    // eslint-disable-next-line compat/compat -- see pages
    const worker = new SharedWorker("stream.js");
    worker.onerror = unable; // it can't be loaded
    port = worker.port;
    port.onmessage = m => {
      if (!m.data) return unable();
      clearTimeout(timer);
      timer = setTimeout(join, quiet + 5000); // the worker has crashed
      port.postMessage("more");
      for (const [what, data] of m.data) tell(what, data);
    };
    port.postMessage([width, height]);
  };
  const leave = () => {
    clearTimeout(timer);
    if (!port) return;
    port.postMessage("bye");
    port.onmessage = null;
    port = undefined;
  };
  return {
    connect(w, h) {
      width = w;
      height = h;
      join();
    },
    close: leave,
  };
}

// alone returns a stream like that of follow, for a browser without shared workers. A
// hidden tab only has it for a moment, every ten seconds.
function alone(tell) {
  let later, width, height;
  const stream = follow((what, data) => {
    if (what === "page" && document.hidden) {
      stream.close();
      clearTimeout(later);
      later = setTimeout(connect, 10000);
    }
    tell(what, data);
  });
  const connect = () => {
    clearTimeout(later);
    stream.connect(width, height);
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && width) connect();
  });
  return {
    connect(w, h) {
      width = w;
      height = h;
      connect();
    },
    close() {
      clearTimeout(later);
      width = undefined;
      stream.close();
    },
  };
}

// pages returns the stream of a tab.
function pages(tell) {
  if (typeof SharedWorker === "undefined") return alone(tell);
  let stream, size, shared = true;
  const unable = () => {
    if (!size || !shared) return;
    shared = false;
    stream.close();
    stream = alone(tell);
    stream.connect(...size);
  };
  stream = share(tell, unable);
  return {
    connect(w, h) {
      size = [w, h];
      try {
        stream.connect(w, h);
      } catch (forbidden) {
        unable(); // forbidden by the browser's settings
      }
    },
    close() {
      size = undefined;
      stream.close();
    },
  };
}

if (typeof document === "undefined") {
  if (typeof EventSource !== "undefined") serveTabs();
  else onconnect = e => e.ports[0].postMessage(null); // an old browser has no streams in workers
}
