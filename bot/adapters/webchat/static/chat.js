// Makes the page quicker and the exit faster. Everything works without it, more slowly.
// It keeps nothing: no storage, no history entry, no markup made from strings.
(() => {
  'use strict';
  const root = document.documentElement;
  const find = (id) => document.getElementById(id);
  let gone = false;
  let request = null;
  let glance = null;
  let again = null;

  // --- Exit: blank first, then end the chat, then go ---

  const wipe = () => {
    gone = true;
    if (request) request.abort();
    if (glance) glance.abort();
    const token = document.querySelector('[name=token]');
    const body = new FormData();
    body.set('token', token ? token.value : '');
    document.body.replaceChildren();
    document.title = '\u200b';
    navigator.sendBeacon('/exit', body);
  };
  const exit = () => {
    wipe();
    location.replace(root.dataset.away);
  };
  const close = () => {
    wipe();
    location.replace('/closed');
  };

  document.addEventListener('click', (event) => {
    if (!event.target.closest('[data-exit]')) return;
    event.preventDefault();
    exit();
  });

  let shifts = [];
  document.addEventListener('keydown', (event) => {
    if (event.repeat) return;
    shifts = event.key === 'Shift' ? [...shifts, event.timeStamp].slice(-3) : [];
    if (shifts.length === 3 && shifts[2] - shifts[0] < 5000) exit();
  });

  // A page that comes back by Back or a restored tab never shows what it showed before.
  addEventListener('pageshow', (event) => {
    if (event.persisted) {
      if (find('answers') || gone) close();
    }
  });

  if (!find('answers')) return;

  // --- Left alone for too long ---

  const idle = Number(root.dataset.idle) * 1000;
  const warning = Math.min(120000, idle / 2);
  let active = Date.now();
  let received = Date.now();
  const touch = () => {
    if (find('status') && find('status').dataset.warned) say('');
    active = Date.now();
  };
  for (const kind of ['keydown', 'pointerdown', 'input']) addEventListener(kind, touch, true);
  const watch = () => {
    if (gone) return;
    const rest = active + idle - Date.now();
    if (rest <= 0) close();
    else if (rest <= warning && !find('status').dataset.warned) say('soon');
  };
  setInterval(watch, Math.min(5000, idle / 4));
  addEventListener('visibilitychange', watch);

  // --- Sending ---

  const say = (key) => {
    const status = find('status');
    status.textContent = key ? status.dataset[key] : '';
    if (key === 'soon') status.dataset.warned = '1';
    else delete status.dataset.warned;
  };
  const busy = (on) => {
    for (const button of document.querySelectorAll('main button, #composer button')) button.disabled = on;
  };

  const post = (body, text) => {
    if (request || gone) return;
    if (glance) glance.abort();
    say('sending');
    const held = document.activeElement;
    busy(true);
    find('notice').replaceChildren();
    request = new XMLHttpRequest();
    request.open('POST', '/');
    request.setRequestHeader('Accept', 'text/vnd.havn.fragment');
    request.responseType = 'document';
    request.timeout = 30000;
    request.onloadend = () => {
      if (gone) return;
      const { response, status } = request;
      request = null;
      busy(false);
      if (response && response.getElementById('answers')) show(response, text, status, held);
      else failed(body, text, held);
    };
    request.send(body);
  };

  const failed = (body, text, held) => {
    const notice = find('unsent').content.cloneNode(true);
    again = () => post(body, text);
    find('notice').replaceChildren(notice);
    say('failed');
    plan();
    if (held.isConnected) held.focus({ preventScroll: true });
  };

  const own = (text, label) => {
    const said = document.createElement('div');
    const who = document.createElement('span');
    const words = document.createElement('p');
    const isolated = document.createElement('bdi');
    said.className = 'said own';
    who.className = 'sr';
    who.textContent = `${label}: `;
    isolated.textContent = text;
    words.append(isolated);
    said.append(who, words);
    return said;
  };

  const show = (page, text, status, held) => {
    const log = find('log');
    const told = page.documentElement.dataset;
    received = active = Date.now();
    if ('clear' in told) log.replaceChildren();
    if (status === 200) for (const once of log.querySelectorAll('[data-once]')) once.remove();
    if (text && 'echo' in told) log.append(own(text, told.echo));
    const first = append(page);
    const typed = find('text').value;
    const writing = held === find('text');
    swap(page, ['top', 'answers', 'composer', 'notice', 'row', 'unsent']);
    find('top').querySelector('[name=token]').value = find('answers').elements.token.value;
    root.lang = page.documentElement.lang;
    root.dir = page.documentElement.dir;
    document.title = page.title;
    find('text').value = status === 200 && typed.trim() === text ? '' : typed;
    say('');
    find('status').textContent = told.status;
    if (writing) find('text').focus({ preventScroll: true });
    else if (!held.isConnected) find('answers').focus({ preventScroll: true });
    if (first) first.scrollIntoView({ block: 'start' });
    const then = log.querySelector('.said[hidden]');
    if (then) setTimeout(() => afterwards(then), 10000);
    if ('clear' in told) live = false;
    if ('live' in told) live = true;
    every = EVERY;
    plan();
  };

  // Put what is new into the log, and return the first of it.
  const append = (page) => {
    let first = null;
    for (const said of [...page.getElementById('log').children]) {
      const replaced = said.dataset.on && find(said.dataset.on);
      if (replaced) replaced.remove();
      if (said.id && find(said.id)) continue;
      find('log').append(document.adoptNode(said));
      first = first || said;
    }
    return first;
  };

  // Take parts of another page, and keep both forms alike.
  const swap = (page, ids) => {
    for (const id of ids) {
      const part = page.getElementById(id);
      if (part && find(id)) find(id).replaceWith(document.adoptNode(part));
    }
    for (const field of find('answers').querySelectorAll('input')) {
      const twin = find('write').elements[field.name];
      if (twin) twin.value = field.value;
    }
  };

  const afterwards = (then) => {
    if (gone || !then.isConnected) return;
    then.hidden = false;
    find('log').replaceChildren(then);
  };

  // --- Looking by itself, while a person may write ---

  const EVERY = 4000;
  const SELDOM = 60000;
  let live = false;
  let every = EVERY;
  let timer = 0;

  const plan = () => {
    clearTimeout(timer);
    if (live && !gone) timer = setTimeout(watchOut, every);
  };

  const watchOut = () => {
    if (gone || request || glance || document.hidden) return;
    const body = new FormData(find('answers'));
    body.set('watch', '1');
    glance = new XMLHttpRequest();
    glance.open('POST', '/');
    glance.setRequestHeader('Accept', 'text/vnd.havn.fragment');
    glance.responseType = 'document';
    glance.timeout = 15000;
    glance.onloadend = () => {
      const { response, status } = glance;
      glance = null;
      if (gone || request) return;
      every = status === 200 || status === 204 ? EVERY : Math.min(2 * every, SELDOM);
      if (status === 410) live = false;
      if (status === 200) appear(response);
      plan();
    };
    glance.send(body);
  };

  // What came by itself is added; words being typed and the place of the focus stay.
  const appear = (page) => {
    const held = document.activeElement;
    live = 'live' in page.documentElement.dataset;
    if (!append(page)) return;
    swap(page, ['answers', 'row']);
    if (held.isConnected) return;
    const twin = [...document.querySelectorAll('#answers button, #row button')].find((b) => b.value === held.value);
    (twin || find('answers')).focus({ preventScroll: true });
  };

  addEventListener('visibilitychange', plan);

  const copy = (button) => {
    navigator.clipboard.writeText(button.dataset.copy).then(() => say('copied'), () => {
      delete button.dataset.copy;
      button.click();
    });
  };

  document.addEventListener('submit', (event) => {
    const form = event.target;
    const button = event.submitter;
    if (form.id !== 'answers' && form.id !== 'write') return;
    event.preventDefault();
    if (button && button.dataset.copy && navigator.clipboard) {
      copy(button);
      return;
    }
    const body = new FormData(form);
    const text = form.id === 'write' ? find('text').value.trim() : '';
    if (form.id === 'write' && !text) return;
    if (button && button.name) body.set(button.name, button.value);
    // Reading and pressing keys count as being here, although nothing was sent meanwhile.
    body.set('at', Number(body.get('at')) + Math.round((active - received) / 1000));
    post(body, text);
  });

  document.addEventListener('click', (event) => {
    if (event.target.closest('#again') && again) again();
    if (event.target.closest('a[href="#text"]')) {
      event.preventDefault();
      find('text').focus();
    }
  });

  // Enter sends where there is a real keyboard; on a phone it begins a new line.
  document.addEventListener('keydown', (event) => {
    if (event.target.id !== 'text' || event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    if (!matchMedia('(pointer: fine)').matches) return;
    event.preventDefault();
    if (!find('send').disabled) find('write').requestSubmit();
  });
})();
