// Put the parts together.

const find = (id) => document.getElementById(id);

function startViewer(map) {
  const stage = find("stage");
  const scene = new Scene(map, stage, find("points"), find("overlay"));
  const say = (text) => (find("live").textContent = text);
  let lassoing = false;
  let settled = 0;

  const act = {
    lassoing: () => lassoing,
    // From a list the whole neighbourhood comes into view; under the pointer the item stays put.
    choose(place, closer = true) {
      scene.traveller = null;
      scene.marked = [];
      scene.selected = place;
      scene.neighbours = map.k ? trueNeighbours(map, place) : [];
      refresh();
      scene.reveal(closer ? [place, ...scene.neighbours.map((one) => one.place)] : [place], closer);
      find("detail").scrollTop = 0;
      const names = scene.neighbours.slice(0, 3).map((one) => map.titles[one.place]);
      say(`${map.titles[place]} selected.${names.length ? ` Nearest in the model: ${names.join("; ")}.` : ""}`);
    },
    clear() {
      const was = scene.selected;
      scene.selected = -1;
      scene.neighbours = [];
      scene.marked = [];
      scene.traveller = null;
      if (find("user")) find("user").value = "-1";
      refresh();
      say(was >= 0 ? "Nothing selected." : "All items shown.");
    },
    click(place) {
      if (place >= 0) {
        act.choose(place, false);
        scene.unfold(place, scene.neighbours.map((one) => one.place));
      } else if (scene.selected >= 0 || scene.marked.length || scene.traveller) act.clear();
    },
    hover(place, spot) {
      if (place !== scene.hover) {
        scene.hover = place;
        scene.schedule();
      }
      showCard(scene, panel, find("card"), place, spot);
    },
    lasso(polygon) {
      setLasso(false);
      const found = inside(scene.grid, polygon, scene.hidden);
      const rank = new Map(map.users ? found.map((place) => [place, -map.users[place]]) : []);
      found.sort((a, b) => (rank.get(a) || 0) - (rank.get(b) || 0) || a - b);
      scene.selected = -1;
      scene.traveller = null;
      scene.marked = found;
      scene.outline = polygon;
      act.hover(-1);
      refresh();
      say(found.length ? `${counted(found.length, "item")} in the lasso.` : "No item in the lasso.");
    },
  };
  document.body.classList.add("ready");
  const panel = new Panel(scene, find("detail"), act);

  function refresh() {
    stage.classList.toggle("focused", scene.selected >= 0);
    if (scene.traveller) panel.user();
    else if (scene.selected >= 0) panel.item();
    else if (scene.marked.length) panel.marked();
    else panel.inView();
    scene.schedule();
  }

  // The list of what is in view follows the view once that rests.
  scene.onview = () => {
    clearTimeout(settled);
    settled = setTimeout(() => {
      const holds = find("detail").contains(document.activeElement);
      if (scene.selected < 0 && !scene.marked.length && !scene.traveller && !holds) panel.inView();
    }, 200);
  };

  function setLasso(on) {
    lassoing = on;
    find("lasso").setAttribute("aria-pressed", String(on));
    stage.classList.toggle("lassoing", on);
  }

  function setLayout(index) {
    const one = map.layouts[index];
    find("honesty").textContent = one.honesty;
    find("shape").textContent = one.shape;
    if (index === scene.layout) return;
    scene.setLayout(index);
    refresh();
    say(`${one.name} map. ${one.honesty}`);
  }

  const toggle = (code) => {
    const hiddenGroups = new Set(code < 0 ? [] : scene.hiddenGroups);
    if (code >= 0 && !hiddenGroups.delete(code)) hiddenGroups.add(code);
    scene.hide(hiddenGroups);
    const focused = [...find("legend").querySelectorAll("button")].indexOf(document.activeElement);
    drawLegend(scene, find("legend"), toggle);
    find("legend").querySelectorAll("button")[focused]?.focus();
    refresh();
    say(code < 0 ? "All shown." : `${scene.groups[code].name} ${hiddenGroups.has(code) ? "hidden" : "shown"}.`);
  };

  startControls({ map, scene, act, say, setLayout, setLasso, toggle, refresh, isLasso: () => lassoing });
  startGestures(scene, stage, act);
  startSearch(map, find("search"), find("suggestions"), act.choose, say);
  drawLegend(scene, find("legend"), toggle);
  setLayout(0);
  new ResizeObserver(() => scene.resize()).observe(stage);
  scene.resize();
  refresh();
  // For scripts that drive the page: where an item stands in the window, and drawing at once.
  globalThis.itemMap = { map, scene, where: (place) => scene.where(place), draw: () => scene.draw() };
}

function startControls({ map, scene, act, say, setLayout, setLasso, toggle, refresh, isLasso }) {
  map.layouts.forEach((one, i) => {
    const radio = make("input", { type: "radio", name: "layout", id: `layout${i}`, value: String(i) });
    radio.checked = i === 0;
    radio.addEventListener("change", () => setLayout(i));
    find("layouts").append(radio, make("label", { for: `layout${i}` }, one.name));
  });
  map.colours.forEach((one, i) => find("colour").append(make("option", { value: String(i) }, one.name)));
  find("colour").closest(".choice").hidden = map.colours[0].plain === true;
  find("colour").addEventListener("change", (event) => {
    scene.setColour(Number(event.target.value));
    drawLegend(scene, find("legend"), toggle);
    refresh();
    say(`Coloured by ${map.colours[scene.colour].name}.`);
  });
  if (map.travellers.length) {
    find("user").append(make("option", { value: "-1" }, "none"));
    map.travellers.forEach((one, i) => find("user").append(make("option", { value: String(i) }, one.name)));
    find("user").addEventListener("change", (event) => {
      const traveller = map.travellers[Number(event.target.value)];
      if (!traveller) return act.clear();
      Object.assign(scene, { selected: -1, neighbours: [], marked: [], traveller });
      refresh();
      scene.reveal([...traveller.recommended, ...traveller.because.filter((place) => place >= 0)], true);
      say(`User ${traveller.name}: ${counted(traveller.history.length, "item")} used.`);
    });
  } else {
    find("user").closest(".choice").remove();
  }
  find("closer").addEventListener("click", () => scene.zoom(1.5));
  find("farther").addEventListener("click", () => scene.zoom(1 / 1.5));
  find("reset").addEventListener("click", () => scene.glide(scene.whole()));
  find("lasso").addEventListener("click", () => {
    setLasso(!isLasso());
    say(isLasso() ? "Lasso on: draw around items." : "Lasso off.");
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.target.id === "search") return;
    setLasso(false);
    act.clear();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    scene.readTheme();
    scene.recolour(scene.hiddenGroups);
    drawLegend(scene, find("legend"), toggle);
    scene.schedule();
  });
}

// The card beside the pointer; only pictures need it, so screen readers do not get it.
function showCard(scene, panel, card, place, spot) {
  card.hidden = place < 0 || !spot;
  if (card.hidden) return;
  const title = make("b");
  title.append(named(scene.map.titles[place]));
  card.replaceChildren(title, panel.facts(place));
  const { width, height } = scene;
  const box = card.getBoundingClientRect();
  const left = spot[0] + 18 + box.width > width ? spot[0] - 18 - box.width : spot[0] + 18;
  card.style.left = `${Math.max(4, Math.min(left, width - box.width - 4))}px`;
  card.style.top = `${Math.max(4, Math.min(spot[1] + 12, height - box.height - 4))}px`;
}

readMap().then(startViewer).catch((error) => {
  find("failed").hidden = false;
  find("failed").textContent = `The map could not be drawn: ${error.message}. A browser of 2023 or later can.`;
  throw error;
});
