// The side of the page: what is selected, as text and lists.

const LISTED = 500; // more rows than that help nobody and make the page slow
const NARROW = matchMedia("(max-width: 760px)");

class Panel {
  constructor(scene, detail, act) {
    Object.assign(this, { scene, map: scene.map, detail, act });
  }

  show(title, ...parts) {
    const head = make("div", { class: "head" });
    const heading = make("h2", { tabindex: "-1" });
    heading.append(title);
    head.append(heading);
    if (this.scene.selected >= 0 || this.scene.marked.length || this.scene.traveller) {
      head.append(button("✕", this.act.clear, { class: "plain", "aria-label": "Close and show all items", title: "Close (Esc)" }));
    }
    // Whoever walks here by keys must not be thrown out when the list changes.
    const focused = this.detail.contains(document.activeElement);
    this.detail.replaceChildren(head, ...parts.flat());
    if (focused) heading.focus();
  }

  inView() {
    const { scene, map } = this;
    const seen = scene.inView();
    let n = 0;
    const first = [];
    for (const place of map.popular) {
      if (!seen(place)) continue;
      n++;
      if (first.length < (NARROW.matches ? 15 : 50)) first.push(place);
    }
    const order = map.users ? ", the most used first" : "";
    const more = n > first.length ? `The first ${first.length} of ${counted(n, "item")}` : counted(n, "item");
    const rows = first.map((place) => ({ place, value: map.users ? compact(map.users[place]) : undefined }));
    const said = make("p", { class: "muted" }, n ? `${more}${order}${map.users ? "; with the number of users" : ""}.` : "No item is in view: zoom out, or reset the view.");
    this.show("In view", said, itemList(map, rows, this.act));
    return n;
  }

  facts(place) {
    const { map } = this;
    const list = make("dl", { class: "facts" });
    const add = (name, value) => list.append(make("dt", {}, name), make("dd", {}, value));
    if (map.ids) add("id", map.ids[place]);
    if (map.users && !map.colours.some((one) => one.name === "users")) add("users", figure(map.users[place], "count"));
    for (const colour of map.colours) {
      const value = valueOf(colour, place);
      if (colour.plain) continue;
      add(colour.name, value === null ? "unknown" : typeof value === "string" ? value : figure(value, colour.kind));
    }
    return list;
  }

  item() {
    const { map, scene } = this;
    const place = scene.selected;
    const parts = [this.facts(place)];
    const name = map.layouts[scene.layout].name;
    if (map.k) {
      const onMap = nearestOnMap(scene.grid, place, map.k);
      const near = new Set(onMap);
      const rows = scene.neighbours.map((one) => ({
        place: one.place,
        value: one.likeness.toFixed(2),
        near: near.has(one.place),
      }));
      const kept = rows.filter((one) => one.near).length;
      const inModel = new Set(rows.map((one) => one.place));
      const others = onMap.filter((one) => !inModel.has(one)).map((one) => ({ place: one }));
      parts.push(
        make("h3", {}, "Nearest in the model"),
        make("p", { class: "muted" }, `By ${map.similarity === "dot" ? "inner product" : "cosine"}. The ${name} map shows ${kept} of these ${rows.length} near (●), ${rows.length - kept} elsewhere (○).`),
        itemList(map, rows, this.act),
      );
      if (others.length) {
        parts.push(
          make("h3", {}, "Near on this map only"),
          make("p", { class: "muted" }, `Among the ${onMap.length} nearest in the picture, but not in the model.`),
          itemList(map, others, this.act),
        );
      }
    } else {
      parts.push(make("p", { class: "muted" }, "This file was written without neighbours."));
    }
    this.show(named(map.titles[place]), parts);
  }

  marked() {
    const { map, scene } = this;
    const { marked } = scene;
    const titles = marked.map((place) => map.titles[place]);
    const copied = make("span", { class: "muted", role: "status" });
    const bar = make("p", { class: "bar" });
    bar.append(
      button(`Copy ${counted(marked.length, "title")}`, async () => {
        await copy(titles.join("\n"));
        copied.textContent = "Copied.";
      }),
      copied,
    );
    const parts = [bar, itemList(map, marked.slice(0, LISTED).map((place) => ({ place })), this.act)];
    if (marked.length > LISTED) {
      parts.push(make("p", { class: "muted" }, `The first ${LISTED} are listed; all are copied.`));
    }
    this.show(`${counted(marked.length, "item")} in the lasso`, parts);
  }

  user() {
    const { map, scene } = this;
    const { traveller } = scene;
    const rows = traveller.recommended.map((place, i) => {
      const because = traveller.because[i];
      if (because < 0) return { place };
      const note = make("small", {}, "because of ");
      note.append(named(map.titles[because]));
      return { place, note };
    });
    const title = make("span", {}, "User ");
    title.append(named(traveller.name));
    const said = "The diamond is the user. Squares are what the user used, rings what is recommended; a line leads from the item that speaks most for it.";
    this.show(
      title,
      make("p", { class: "muted" }, said),
      make("h3", {}, "Recommended"),
      rows.length ? itemList(map, rows, this.act) : make("p", { class: "muted" }, "Nothing that is on the map."),
      make("h3", {}, `Used, the latest first`),
      itemList(map, [...traveller.history].reverse().slice(0, LISTED).map((place) => ({ place })), this.act, "ul"),
    );
  }
}

// The legend: buttons that hide and show a group, or the ramp with its numbers.
function drawLegend(scene, legend, toggle) {
  const colour = scene.map.colours[scene.colour];
  const parts = [];
  if (colour.kind !== "category" && colour.known) parts.push(rampOf(scene, colour));
  const groups = make("div", { class: "groups" });
  scene.groups.forEach((group, code) => {
    if (!group.n) return;
    const on = !scene.hiddenGroups.has(code);
    const one = button("", () => toggle(code), { "aria-pressed": String(on), class: "group" });
    const swatch = make("span", { class: "swatch" });
    swatch.style.backgroundColor = group.hex;
    one.append(swatch, named(group.name), make("span", { class: "value" }, compact(group.n)));
    groups.append(one);
  });
  if (groups.childElementCount && !colour.plain) parts.push(groups);
  if (scene.hiddenGroups.size) parts.push(button("Show all", () => toggle(-1), { class: "plain" }));
  legend.replaceChildren(...parts);
}

function rampOf(scene, colour) {
  const box = make("div", { class: "ramp" });
  const bar = make("div", { class: "bar-of-ramp", "aria-hidden": "true" });
  bar.style.backgroundImage = `linear-gradient(to right, ${scene.theme.ramp.join(",")})`;
  const numbers = make("div", { class: "numbers" });
  const ticks = ticksOf(colour);
  ticks.forEach(([value, share], i) => {
    const tick = make("span", {}, colour.kind === "count" ? compact(value) : figure(value, colour.kind));
    if (i === 0) tick.className = "first";
    else if (i === ticks.length - 1) tick.className = "last";
    else tick.style.left = `${(100 * share).toFixed(2)}%`;
    numbers.append(tick);
  });
  box.append(bar, numbers, make("small", { class: "muted" }, colour.kind === "count" ? `${colour.name}, log scale` : colour.name));
  return box;
}
