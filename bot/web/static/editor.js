// Lets placeholders stand in a text as chips that cannot be broken, and counts characters.
// Without it the plain text box works; what is sent is always what stands in that box.

const all = (what, from = document) => [...from.querySelectorAll(what)];
const NAME = /\{([a-z0-9_]+)\}/g;

// --- chips --------------------------------------------------------------------------------------

const chip = (name, today) => {
  const made = document.createElement("span");
  made.className = "chip";
  made.contentEditable = "false";
  made.dataset.name = name;
  made.title = `{${name}}`;
  made.dir = "auto";
  made.textContent = today || `{${name}}`;
  return made;
};

// Writes a text into the surface; only placeholders the English text has become chips.
const draw = (surface, text, known) => {
  surface.replaceChildren();
  let from = 0;
  for (const match of text.matchAll(NAME)) {
    if (!known.has(match[1])) continue;
    surface.append(text.slice(from, match.index), chip(match[1], known.get(match[1]).today));
    from = match.index + match[0].length;
  }
  surface.append(text.slice(from));
};

// Reads it back: chips as {name}, blocks and breaks that a browser put in as line ends.
const read = (node) => {
  let text = "";
  for (const one of node.childNodes) {
    if (one.nodeType === Node.TEXT_NODE) text += one.data;
    else if (one.dataset?.name) text += `{${one.dataset.name}}`;
    else if (one.nodeName === "BR") text += one.nextSibling ? "\n" : "";
    else text += `${text && !text.endsWith("\n") ? "\n" : ""}${read(one)}`;
  }
  return text;
};

const place = (surface) => {
  const chosen = getSelection();
  const inside = chosen.rangeCount && surface.contains(chosen.anchorNode);
  if (inside) return chosen.getRangeAt(0);
  const end = document.createRange();
  end.selectNodeContents(surface);
  end.collapse(false);
  return end;
};

const insert = (surface, node) => {
  const range = place(surface);
  range.deleteContents();
  range.insertNode(node);
  range.setStartAfter(node);
  range.collapse(true);
  surface.focus();
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  surface.dispatchEvent(new InputEvent("input"));
};

// Puts a surface before a box, which is hidden but still what is sent; returns the surface.
const cover = (box, known, changed) => {
  const surface = document.createElement("div");
  surface.className = "surface";
  surface.contentEditable = "true";
  surface.lang = box.lang;
  surface.dir = box.dir;
  surface.spellcheck = true;
  surface.setAttribute("role", "textbox");
  surface.setAttribute("aria-multiline", "true");
  const label = document.querySelector(`label[for="${box.id}"]`);
  surface.setAttribute("aria-labelledby", label.id);
  for (const name of ["aria-describedby", "aria-invalid"]) {
    if (box.hasAttribute(name)) surface.setAttribute(name, box.getAttribute(name));
  }
  const redraw = () => {
    draw(surface, box.value, known);
    changed();
  };
  surface.addEventListener("input", () => {
    box.value = read(surface);
    box.dispatchEvent(new Event("input"));
    changed();
  });
  surface.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    document.execCommand("insertLineBreak");
  });
  surface.addEventListener("paste", (event) => {
    event.preventDefault();
    insert(surface, document.createTextNode(event.clipboardData.getData("text/plain")));
  });
  surface.addEventListener("drop", (event) => event.preventDefault());
  // Placeholders that were typed or pasted become chips; otherwise the caret keeps its place.
  surface.addEventListener("blur", () => {
    const loose = [...surface.childNodes].some(
      (one) => one.nodeType === Node.TEXT_NODE && one.data.includes("{"),
    );
    if (loose) redraw();
  });
  // A click on a chip sets the caret behind it.
  surface.addEventListener("click", (event) => {
    const hit = event.target.closest("[data-name]");
    if (!hit) return;
    surface.focus();
    getSelection().collapse(surface, [...surface.childNodes].indexOf(hit) + 1);
  });
  label.addEventListener("click", () => surface.focus());
  draw(surface, box.value, known);
  box.hidden = true;
  box.before(surface);
  return surface;
};

// A list of chips serves one box or several; they go where somebody wrote last.
const enrich = (list) => {
  const boxes = list.dataset.chips.split(" ").map((id) => document.getElementById(id));
  if (boxes.some((box) => box.readOnly)) return;
  const known = new Map(all("[data-name]", list).map((one) => [one.dataset.name, one.dataset]));
  const buttons = all("[data-insert]", list);
  let last;
  // A translation has each placeholder as often as its English text; 0 is as often as one likes.
  const count = () => {
    for (const button of buttons) {
      const { times } = known.get(button.dataset.insert);
      const used = all(`[data-name="${button.dataset.insert}"]`, last).length;
      button.hidden = false;
      button.disabled = Number(times) > 0 && used >= Number(times);
    }
  };
  const surfaces = boxes.map((box) => cover(box, known, count));
  [last] = surfaces;
  for (const surface of surfaces) {
    surface.addEventListener("focus", () => {
      last = surface;
    });
  }
  for (const button of buttons) {
    // The caret stays where it is.
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => {
      const name = button.dataset.insert;
      insert(last, chip(name, known.get(name).today));
    });
  }
  count();
};

for (const list of all("[data-chips]")) enrich(list);

// --- lengths ------------------------------------------------------------------------------------

for (const meter of all("[data-meter]")) {
  const box = document.getElementById(meter.dataset.meter);
  const limit = Number(meter.dataset.limit);
  const show = () => {
    const { length } = [...box.value.trim()];
    meter.querySelector("b").textContent = length;
    meter.classList.toggle("over", Boolean(limit) && length > limit);
  };
  box.addEventListener("input", show);
}

// --- errors -------------------------------------------------------------------------------------

document.getElementById("problems")?.focus();
