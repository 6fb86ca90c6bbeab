// Search by title: a combobox with suggestions, after the ARIA pattern of that name.

const SUGGESTIONS = 10;

// "Amélie" is found by "amelie".
function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

class Finder {
  constructor(map) {
    this.map = map;
    this.folded = null;
  }

  // Places whose title begins with the text, then whose words do, then which hold it, then by id.
  find(text, most = SUGGESTIONS) {
    const asked = folded(text.trim());
    if (!asked) return [];
    const { titles, popular, ids } = this.map;
    this.folded ||= titles.map(folded);
    const ranks = [[], [], [], []];
    for (const place of popular) {
      const at = this.folded[place].indexOf(asked);
      let rank = 3;
      if (at === 0) rank = 0;
      else if (at > 0) rank = /[\p{L}\p{N}]/u.test(this.folded[place][at - 1]) ? 2 : 1;
      else if (!ids || folded(ids[place]) !== asked) continue;
      if (ranks[rank].length < most) ranks[rank].push(place);
      if (ranks[0].length === most) break;
    }
    return ranks.flat().slice(0, most);
  }
}

function startSearch(map, input, box, choose, say) {
  const finder = new Finder(map);
  let found = [];
  let active = -1;

  const close = () => {
    box.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (index) => {
    active = index;
    [...box.children].forEach((one, i) => one.setAttribute("aria-selected", String(i === index)));
    if (index < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", box.children[index].id);
    box.children[index].scrollIntoView({ block: "nearest" });
  };
  const take = (index) => {
    const place = found[index];
    if (place === undefined) return;
    close();
    input.value = map.titles[place];
    choose(place);
  };
  const offer = () => {
    found = finder.find(input.value);
    box.replaceChildren(
      ...found.map((place, i) => {
        const one = make("li", { role: "option", id: `suggestion${i}`, "aria-selected": "false" });
        one.append(named(map.titles[place]));
        if (map.users) one.append(make("small", {}, counted(map.users[place], "user")));
        one.addEventListener("pointerdown", (event) => {
          event.preventDefault(); // keep the focus in the field
          take(i);
        });
        return one;
      }),
    );
    if (!input.value.trim()) return close();
    box.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    mark(-1);
    say(found.length ? counted(found.length, "suggestion") : "nothing found");
  };

  input.addEventListener("input", offer);
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (box.hidden) input.value = "";
      close();
    } else if (event.key === "Enter") {
      event.preventDefault();
      take(Math.max(active, 0));
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (box.hidden) return offer();
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark((active + step + found.length + (active < 0 && step < 0 ? 1 : 0)) % found.length);
    }
  });
}
