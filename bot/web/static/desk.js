// Makes the queue and the talk live. Everything works without it, by loading the page again.
// It makes no markup from strings: parts of pages that the console sent are adopted as they are.
// It keeps nothing but whether single keys work.

const find = (id) => document.getElementById(id);
const all = (what, from = document) => [...from.querySelectorAll(what)];
const desk = find("desk").dataset;
const ALERT = { red: [10, 5, 3], orange: [30, 20, 10], yellow: [60, 60, 30], grey: [60, 60, 60] };
const TUNES = { red: [880, 0, 880, 0, 880, 660], orange: [660, 0, 520], yellow: [520], grey: [440] };
const TONE = 0.16;
let token = desk.csrf;
let lost = false;
const { title } = document;

// What only works with this script stands in the page, but is not shown without it.
const unfurl = (page) => {
  for (const one of all("[data-script]", page)) one.hidden = false;
};
unfurl(document);

// --- asking the console -------------------------------------------------------------------------

// Resolves with status and page; status 0 when the console cannot be reached.
const ask = (method, address, body) =>
  new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.setRequestHeader("accept", "text/vnd.havn.fragment");
    if (body) request.setRequestHeader("x-csrf-token", token);
    request.responseType = "document";
    request.timeout = 15000;
    request.onloadend = () =>
      resolve({ status: request.status, page: request.response, address: request.responseURL });
    request.send(body);
  });

const tell = async (address, body) => {
  try {
    const response = await fetch(address, {
      method: body ? "POST" : "GET",
      headers: { accept: "application/json", "x-csrf-token": token },
      body,
    });
    noted(response.status);
    return response.ok && response.status === 200 ? await response.json() : null;
  } catch {
    noted(0);
    return null;
  }
};

const noted = (status) => {
  find("offline").hidden = status !== 0 && status < 500;
  if (status === 401) signedOut();
  else if (status && status < 400) find("out").hidden = true;
};

const signedOut = () => {
  if (find("out").hidden && bell.on) ring("red", "out");
  find("out").hidden = false;
  find("idle").hidden = true;
};

// --- showing what came ---------------------------------------------------------------------------

const REFRESHED = ["board", "strip", "head", "thread", "notes", "state"];
const ANSWERED = [...REFRESHED, "notice", "verdict", "preview"];
let pressed = false;
let arrived = performance.now();
addEventListener("pointerdown", () => (pressed = true), true);
const released = () => {
  pressed = false;
  if (again) refresh();
};
for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => setTimeout(released, 50), true);

// A part without what changes by itself: nothing is replaced under a reader only for that.
const bare = (part) => {
  const copy = part.cloneNode(true);
  for (const one of all(".ticking, [name=once], [name=csrf]", copy)) one.replaceWith("");
  return copy;
};

const renewed = (ours, theirs) => {
  if (!bare(ours).isEqualNode(bare(theirs))) {
    ours.replaceWith(document.adoptNode(theirs));
    return;
  }
  const times = all(".ticking", theirs);
  for (const [place, one] of all(".ticking", ours).entries()) {
    one.dateTime = times[place].dateTime;
    Object.assign(one.dataset, times[place].dataset);
  }
};

const adopt = (page, ids) => {
  const focused = document.activeElement?.id;
  unfurl(page);
  renew(page.getElementById("desk").dataset.csrf);
  for (const id of ids) {
    const [ours, theirs] = [find(id), page.getElementById(id)];
    if (!ours || !theirs) continue;
    if ("append" in ours.dataset) thread(ours, theirs);
    else renewed(ours, theirs);
  }
  arrived = performance.now();
  if (focused && document.activeElement?.id !== focused) find(focused)?.focus();
  tick();
  hear();
  translate();
};

// Only what is new is added, so that a reader does not begin again; states change in place.
const thread = (ours, theirs) => {
  const atEnd = ours.scrollHeight - ours.scrollTop - ours.clientHeight < 60;
  // A translation is not in the page that came; it was fetched apart.
  for (const one of all("[data-translated]", ours)) theirs.ownerDocument.getElementById(one.id)?.replaceWith(one.cloneNode(true));
  const there = new Set(all("[id]", theirs).map((one) => one.id));
  for (const one of all(":scope > [id]", ours)) if (!there.has(one.id)) one.remove();
  for (const one of [...theirs.children]) {
    const old = one.id && find(one.id);
    if (!old) ours.append(document.adoptNode(one));
    else if (!old.isEqualNode(one)) old.replaceWith(document.adoptNode(one));
  }
  if (atEnd) ours.scrollTop = ours.scrollHeight;
};

// One line after the other, the newest first. What did not come is asked for again at a refresh.
let translating = false;
const translate = async () => {
  if (translating) return;
  translating = true;
  for (let link = untranslated(); link && !lost; link = untranslated()) {
    delete link.dataset.translate;
    const { id } = link.parentElement;
    const { status, page } = await ask("GET", link.getAttribute("href"));
    const came = status === 200 && page?.getElementById(id);
    if (came) find(id)?.replaceWith(document.adoptNode(came));
  }
  translating = false;
};
const untranslated = () => all("[data-translate]").at(-1);

let busy = false;
let again = false;
const refresh = async () => {
  if (lost) return;
  if (busy || pressed) {
    again = true;
    return;
  }
  busy = true;
  const { status, page } = await ask("GET", desk.now);
  busy = false;
  noted(status);
  if (status === 404) gone();
  else if (status === 200 && page) adopt(page, choosing(page) ? [] : REFRESHED);
  if (again) {
    again = false;
    setTimeout(refresh, 150);
  }
};
setInterval(refresh, 8000);
addEventListener("online", refresh);

// Before a shift nothing is replaced: somebody is ticking languages there.
const choosing = (page) => [document, page].every((one) => one.querySelector("#board:not([data-live])"));

const gone = () => {
  lost = true;
  find("gone").hidden = false;
  for (const one of all(".columns button, .head button")) one.disabled = true;
};

const listen = () => {
  const stream = new EventSource(desk.events);
  stream.onmessage = refresh;
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 20000);
  };
};
listen();

// --- time ----------------------------------------------------------------------------------------

const clock = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
};
const tick = () => {
  const passed = (performance.now() - arrived) / 1000;
  for (const one of all(".ticking")) {
    const { left, seconds } = one.dataset;
    one.textContent = clock(left ? Number(left) - passed : Number(seconds) + passed);
  }
};
setInterval(tick, 1000);

// --- signs of life -------------------------------------------------------------------------------

let active = false;
for (const kind of ["keydown", "pointerdown", "pointermove"]) addEventListener(kind, () => (active = true), true);
const beat = async () => {
  const [way, body] = [active ? "here" : "beat", new URLSearchParams()];
  active = false;
  const told = await tell(desk.beat + way, body);
  if (told) find("idle").hidden = told.seconds_left > 120;
  if (told && told.seconds_left <= 120 && bell.on) ring("yellow", "idle");
};
setInterval(beat, 20000);
// A laptop that wakes up: its shift may have been taken for over meanwhile.
const wake = async () => {
  await beat();
  refresh();
};
addEventListener("visibilitychange", wake);
addEventListener("pageshow", (event) => event.persisted && wake());

// --- the bell ------------------------------------------------------------------------------------

const bell = { on: false, newest: 0, level: "", step: 0, rung: 0 };
let sound = null;

const rest = (time) => new Promise((over) => setTimeout(over, time));

const play = (level) => {
  TUNES[level].forEach((pitch, place) => {
    if (!pitch) return;
    const [tone, loud, at] = [sound.createOscillator(), sound.createGain(), sound.currentTime + place * TONE];
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0.25, at);
    loud.gain.exponentialRampToValueAtTime(0.001, at + TONE);
    tone.connect(loud).connect(sound.destination);
    tone.start(at);
    tone.stop(at + TONE);
  });
};

// Of several tabs one rings: whichever is first holds a lock on this ringing until the next is due.
// So a tab that closes or falls behind silences no other. Tells whether it rang here. A tab without
// sound takes no turn, and where there are no locks each tab rings.
const ring = async (level, why, seconds = 5) => {
  sound ??= new AudioContext();
  await Promise.race([sound.resume(), rest(300)]);
  const silent = sound.state !== "running";
  find("mute").hidden = !silent;
  const ours = silent || !why || !navigator.locks || (await first(`${desk.events} ${why}`, seconds));
  if (ours) play(level);
  return ours;
};
const first = (what, seconds) =>
  new Promise((told) => {
    navigator.locks.request(what, { ifAvailable: true }, (lock) => {
      told(Boolean(lock));
      return lock && rest(seconds * 1000);
    });
  });

const hear = () => {
  const told = find("bell").dataset;
  const number = Number(told.waiting) + Number(told.news);
  document.title = number ? `(${number}) Havn` : title;
  const isNew = Number(told.newest) > bell.newest && told.on === "1";
  if (bell.on && told.on !== "1") ring("red", "off");
  Object.assign(bell, { on: told.on === "1", level: told.level, step: Number(told.step) });
  bell.newest = Math.max(bell.newest, Number(told.newest));
  if (isNew) {
    bell.rung = 0;
    find("news").textContent = told.says;
    notify(told.says);
  }
  sounding();
};

// A new visitor rings at once; then again and again, oftener with each step of the ladder.
const sounding = async () => {
  if (!bell.on || !bell.level) return;
  const [now, every] = [performance.now() / 1000, ALERT[bell.level][bell.step]];
  if (now - bell.rung < every && bell.rung) return;
  bell.rung = now;
  const rang = await ring(bell.level, `${bell.newest} ${bell.level}`, every - 1);
  // It rings elsewhere: the next time may be for this tab.
  if (!rang && bell.rung === now) bell.rung = 0;
};
setInterval(sounding, 1000);

const notify = (words) => {
  if (!("Notification" in window) || Notification.permission !== "granted" || document.hasFocus()) return;
  new Notification("Havn", { body: words, tag: "havn" });
};

// --- forms ---------------------------------------------------------------------------------------

const reply = find("reply");
const text = find("text");
let sending = null;

const send = async (form, address, body) => {
  if (sending) return;
  const stopped = { is: false };
  sending = stopped;
  clearTimeout(saving);
  for (const one of all("button", form)) one.disabled = true;
  for (const one of all("textarea", form)) one.readOnly = true;
  let answer = await ask("POST", address, body);
  for (let wait = 1; trouble(answer) && !stopped.is && !stopped.refused; wait = Math.min(wait * 2, 10)) {
    await until(answer, wait, stopped);
    if (!stopped.is) answer = await ask("POST", address, body);
  }
  sending = null;
  find("unsent").hidden = true;
  for (const one of all("button", form)) one.disabled = false;
  for (const one of all("textarea", form)) one.readOnly = false;
  if (!stopped.is) settle(form, answer);
};

// What may pass: no connection, a broken console, or a session that ended.
const trouble = ({ status }) => status === 0 || status >= 500 || status === 401 || status === 403;

const until = async ({ status }, seconds, stopped) => {
  find("unsent").hidden = status === 401;
  noted(status);
  await new Promise((resolve) => {
    stopped.now = resolve;
    setTimeout(resolve, seconds * 1000);
  });
  if (status === 401 || status === 403) {
    const session = await tell("/session");
    // Refused with the token of this session: trying again would change nothing.
    if (status === 403 && session?.csrf === token) stopped.refused = true;
    if (session) renew(session.csrf);
  }
};

const renew = (csrf) => {
  if (token === csrf) return;
  token = csrf;
  for (const one of all("[name=csrf]")) one.value = csrf;
};

const settle = (form, { status, page, address }) => {
  noted(status);
  if (status === 404) return gone();
  // Parked or ended: the console led on to the queue.
  if (status === 200 && !page?.getElementById("thread")) return location.assign(address);
  if (!page?.getElementById("thread")) return location.reload();
  const once = page.querySelector("[name=once]")?.value;
  const took = status === 200;
  adopt(page, ANSWERED);
  for (const one of all("[name=once]")) one.value = once;
  const read = find("preview-title");
  if (took && (form.id === "translated" || (form === reply && !read))) text.value = "";
  if (took && form.id === "note") find("note-text").value = "";
  if (took && "clears" in form.dataset) {
    form.reset();
    // A reset brings back what the page was loaded with: a draft.
    for (const box of boxes) if (form.contains(box)) box.value = "";
  }
  if (took && form.closest("#ready")) sought();
  if (read) read.focus();
  else if (form === reply || form.matches("#translated") || form.closest("#ready, #head")) text.focus();
  count();
  // A draft that was on its way meanwhile may have arrived after what it was a draft of.
  saved = null;
  keep();
  return undefined;
};

// A page is left once: the second press of an impatient finger would take a second visitor.
let leaving = false;
addEventListener("pageshow", () => (leaving = false));
const leave = (event) => {
  if (leaving) event.preventDefault();
  leaving = true;
  setTimeout(() => (leaving = false), 5000);
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("method") === "dialog") return;
  if (form.matches("[data-shift]")) began();
  if (!form.matches("[data-live-form]")) {
    leave(event);
    return;
  }
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  const address = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  send(form, address, new URLSearchParams(body));
});

const began = () => {
  if ("Notification" in window && Notification.permission === "default") Notification.requestPermission();
};

// --- the box -------------------------------------------------------------------------------------

let saving = 0;
const boxes = text ? ["text", "need", "risk", "step"].map(find) : [];
const typed = () => new URLSearchParams(boxes.map((box) => [box.name, box.value]));
let saved = typed().toString();
const count = () => {
  if (!text) return;
  const over = text.value.trim().length - Number(text.dataset.limit);
  const near = over > -300;
  find("count").textContent = over > 0 ? `${find("count").dataset.over} ${over}` : near ? String(-over) : "";
  find("count").classList.toggle("over", over > 0);
  find("send").disabled = over > 0 || Boolean(sending);
};
const keep = async () => {
  const words = typed();
  if (words.toString() === saved || lost || sending) return;
  const response = await fetch(`${desk.here}/draft`, {
    method: "POST",
    headers: { accept: "application/json", "x-csrf-token": token },
    body: words,
  }).catch(() => null);
  if (!response) return;
  noted(response.status);
  if (response.ok) saved = words.toString();
  const any = boxes.some((box) => box.value);
  find("kept").textContent = response.ok && any ? find("kept").dataset.words : "";
};
// A preview is one of words that have changed by now.
const dropped = () => find("preview").replaceChildren();
for (const box of boxes) {
  box.addEventListener("input", () => {
    if (box === text) dropped();
    count();
    find("kept").textContent = "";
    clearTimeout(saving);
    saving = setTimeout(keep, 800);
  });
}
addEventListener("pagehide", () => {
  const words = typed();
  if (!text || lost || words.toString() === saved) return;
  words.set("csrf", token);
  navigator.sendBeacon(`${desk.here}/draft`, words);
});

// --- tabs, ready sentences, keys -----------------------------------------------------------------

const turn = (note) => {
  find("reply").hidden = note;
  find("note").hidden = !note;
  for (const [tab, on] of [[find("tab-reply"), !note], [find("tab-note"), note]]) {
    tab.setAttribute("aria-selected", on);
    tab.tabIndex = on ? 0 : -1;
  }
};
if (reply) {
  turn(Boolean(find("note-text").value));
  find("thread").scrollTop = find("thread").scrollHeight;
  count();
}

// With a script the buttons are the options of a combobox (WAI-ARIA 1.2): the focus stays in the box
// and the arrows choose. Both languages can be searched, and either way a press sends.
const seek = find("find");
const ready = find("ready");
const sentences = all(".ready button");
let chosen = null;
const choose = (one) => {
  chosen = one ?? null;
  for (const other of sentences) other.setAttribute("aria-selected", other === chosen);
  seek.setAttribute("aria-activedescendant", chosen?.id ?? "");
  chosen?.scrollIntoView({ block: "nearest" });
};
const fitting = () => sentences.filter((one) => !one.parentElement.hidden);
const sift = () => {
  const wanted = seek.value.trim().toLowerCase();
  for (const one of sentences) one.parentElement.hidden = !one.textContent.toLowerCase().includes(wanted);
  choose(wanted ? fitting()[0] : null);
};
const expanded = () => seek.setAttribute("aria-expanded", ready.open);
if (seek) {
  const roles = [[seek, "combobox"], [find("sentences"), "listbox"]];
  for (const one of sentences) {
    one.tabIndex = -1;
    roles.push([one, "option"], [one.parentElement, "none"]);
  }
  for (const [one, role] of roles) one.setAttribute("role", role);
  choose(null);
  expanded();
  seek.addEventListener("input", sift);
  ready.addEventListener("toggle", expanded);
}
const seeking = () => {
  ready.open = true;
  seek.focus();
};
const sought = () => {
  seek.value = "";
  sift();
};

const doing = {
  r: () => (turn(false), text.focus()),
  n: () => (turn(true), find("note-text").focus()),
  h: () => unfold("over", "to"),
  e: () => unfold("end"),
};
const unfold = (id, then) => {
  find(id).open = true;
  (find(then) ?? find(id).querySelector("input:not([type=hidden])")).focus();
};
const step = (by) => {
  const cases = all(reply ? ".strip a" : "[data-case]");
  const at = cases.findIndex((one) => one.contains(document.activeElement));
  cases.at(Math.min(Math.max(at + by, 0), cases.length - 1))?.focus();
};

const single = find("single");
single.checked = localStorage.getItem("keys") !== "off";
single.addEventListener("change", () => localStorage.setItem("keys", single.checked ? "on" : "off"));

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (key === "Enter" && (event.ctrlKey || event.metaKey) && target === text) {
    event.preventDefault();
    if (!find("send").disabled) reply.requestSubmit();
    return;
  }
  if (target === seek) return within(event);
  if (target.closest("[role=tablist]") && ["ArrowLeft", "ArrowRight"].includes(key)) {
    const note = target.id === "tab-reply";
    turn(note);
    find(note ? "tab-note" : "tab-reply").focus();
  }
  if (key === "/" && (target === text ? !text.value : !target.matches("input, textarea, select")) && reply) {
    event.preventDefault();
    seeking();
    return;
  }
  const typing = target.matches("input:not([type=radio], [type=checkbox]), textarea, select");
  if (typing || !single.checked || event.ctrlKey || event.metaKey || event.altKey || find("keys").open) return;
  const letter = key.toLowerCase();
  if (letter === "?") find("keys").showModal();
  else if (letter === "j") step(1);
  else if (letter === "k") step(-1);
  else if (letter === "t" && !reply) find("next")?.form.requestSubmit();
  else if (reply && !lost && doing[letter]) {
    event.preventDefault();
    doing[letter]();
  }
});

// In the combobox: the arrows choose and go round, Enter sends what is chosen, Escape closes.
const within = (event) => {
  const [there, at] = [fitting(), fitting().indexOf(chosen)];
  if (event.key === "ArrowDown") choose(there[(at + 1) % there.length]);
  else if (event.key === "ArrowUp") choose(there.at(Math.max(at, 0) - 1));
  else if (event.key === "Enter") chosen?.click();
  else if (event.key === "Escape") {
    sought();
    ready.open = false;
    text.focus();
  } else return;
  event.preventDefault();
};

document.addEventListener("click", (event) => {
  const on = (what) => event.target.closest(what);
  if (on("[data-help]")) find("keys").showModal();
  if (on("[data-unmute]")) ring("yellow");
  if (on("[data-here]")) {
    active = true;
    beat();
  }
  if (on("[data-drop]")) {
    event.preventDefault();
    dropped();
    text.focus();
  }
  if (on("[data-try]")) ring(on("[data-try]").dataset.try);
  if (on("[data-stop]") && sending) {
    sending.is = true;
    sending.now();
  }
  if (on("#tab-reply")) turn(false);
  if (on("#tab-note")) turn(true);
});

hear();
beat();
translate();
