// Making elements. Titles come from outside: they only ever become text, never markup.

function make(tag, attributes = {}, text = "") {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

// A title on its own: its direction of writing does not touch what stands around it.
function named(title) {
  return make("bdi", {}, title);
}

function button(text, act, attributes = {}) {
  const element = make("button", { type: "button", ...attributes }, text);
  element.addEventListener("click", act);
  return element;
}

// A list of items as buttons. Tab reaches the list once; arrow keys walk along it.
function itemList(map, rows, act, tag = "ol") {
  const list = make(tag, { class: "items" });
  rows.forEach(({ place, value, note, near }, i) => {
    const one = make("button", { type: "button", tabindex: i ? "-1" : "0" });
    one.append(named(map.titles[place]));
    if (value !== undefined) one.append(make("span", { class: "value" }, value));
    if (near !== undefined) {
      one.append(make("span", { class: near ? "near yes" : "near", "aria-hidden": "true" }, near ? "●" : "○"));
      one.append(make("span", { class: "hidden" }, near ? "near on the map" : "far on the map"));
    }
    if (note) one.append(note);
    one.addEventListener("click", () => act.choose(place));
    one.addEventListener("pointerenter", () => act.hover(place));
    one.addEventListener("focus", () => act.hover(place));
    one.addEventListener("blur", () => act.hover(-1));
    one.addEventListener("pointerleave", () => act.hover(-1));
    const row = make("li");
    row.append(one);
    list.append(row);
  });
  list.addEventListener("keydown", (event) => walk(event, list));
  return list;
}

function walk(event, list) {
  const buttons = [...list.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  const goals = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 };
  const next = buttons[goals[event.key]];
  if (at < 0 || !next) return;
  event.preventDefault();
  buttons.forEach((one) => (one.tabIndex = one === next ? 0 : -1));
  next.focus();
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Frames and older browsers may not use the clipboard: select the text in a field and copy that.
    const field = make("textarea", { class: "hidden", "aria-hidden": "true" }, text);
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
