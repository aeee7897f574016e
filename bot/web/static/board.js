// Keeps what [data-live] shows up to date: on every topic of the stream and every ten seconds.
"use strict";

(() => {
  const SECONDS = 10;
  const stale = document.querySelector("[data-stale]");
  let asking = false;

  // Whoever reads, types or chooses in it is not interrupted: it is refreshed a moment later.
  const busy = (part) =>
    part.contains(document.activeElement) || part.querySelector("details[open]") !== null;

  function refresh() {
    const part = document.querySelector("[data-live]");
    if (asking || document.hidden || part === null || busy(part)) return;
    asking = true;
    const request = new XMLHttpRequest();
    request.open("GET", part.dataset.live);
    request.responseType = "document";
    request.timeout = SECONDS * 1000;
    request.onloadend = () => {
      asking = false;
      const signedOut = request.status === 401;
      const fresh = request.response && request.response.querySelector("[data-live]");
      if (signedOut || (request.status === 200 && !fresh)) return location.reload();
      stale.hidden = request.status === 200;
      if (fresh && !busy(part)) part.replaceWith(document.adoptNode(fresh));
    };
    request.send();
  }

  setInterval(refresh, SECONDS * 1000);
  document.addEventListener("visibilitychange", refresh);
  new EventSource("/events").addEventListener("message", refresh);
})();
