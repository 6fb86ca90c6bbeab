// Hands on the map: mouse, fingers, wheel and keys.

const STEP = 60; // pixels that an arrow key moves

function startGestures(scene, stage, act) {
  const pointers = new Map();
  let travelled = 0;
  let spread = 0;

  const at = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const pinch = () => {
    const [a, b] = [...pointers.values()];
    return { distance: Math.hypot(a[0] - b[0], a[1] - b[1]), x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2 };
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("button")) return;
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    travelled = 0;
    if (pointers.size === 2) {
      spread = pinch();
      scene.lasso = [];
    } else if (act.lassoing() || event.shiftKey) {
      scene.lasso = [at(event)];
    }
  });

  stage.addEventListener("pointermove", (event) => {
    const now = at(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch" && !event.target.closest("button")) act.hover(scene.itemAt(...now), now);
      return;
    }
    pointers.set(event.pointerId, now);
    travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (pointers.size === 2) {
      const next = pinch();
      scene.pan(next.x - spread.x, next.y - spread.y);
      scene.zoom(next.distance / (spread.distance || 1), next.x, next.y);
      spread = next;
    } else if (scene.lasso.length) {
      scene.lasso.push(now);
      scene.schedule();
    } else if (travelled > 4) {
      act.hover(-1);
      stage.classList.add("held");
      scene.pan(now[0] - before[0], now[1] - before[1]);
    }
  });

  const release = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    stage.classList.remove("held");
    const path = scene.lasso;
    scene.lasso = [];
    if (path.length > 2) act.lasso(path.map(([x, y]) => scene.plane(x, y)));
    else if (travelled <= 4 && event.type === "pointerup" && pointers.size === 0) {
      act.click(scene.itemAt(...at(event), event.pointerType === "touch" ? 24 : 14));
    }
    scene.schedule();
  };
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
  stage.addEventListener("pointerleave", () => act.hover(-1));

  stage.addEventListener(
    "wheel",
    (event) => {
      // Inside another page the wheel scrolls that page until the map has been taken up.
      const inline = document.body.classList.contains("inline");
      if (inline && !event.ctrlKey && !stage.contains(document.activeElement)) return;
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
      scene.zoom(Math.exp(-Math.max(-120, Math.min(120, pixels)) / 240), ...at(event));
    },
    { passive: false },
  );

  const keys = {
    ArrowLeft: () => scene.pan(STEP, 0),
    ArrowRight: () => scene.pan(-STEP, 0),
    ArrowUp: () => scene.pan(0, STEP),
    ArrowDown: () => scene.pan(0, -STEP),
    "+": () => scene.zoom(1.3),
    "=": () => scene.zoom(1.3),
    "-": () => scene.zoom(1 / 1.3),
    0: () => scene.glide(scene.whole()),
    Home: () => scene.glide(scene.whole()),
  };
  stage.addEventListener("keydown", (event) => {
    const key = keys[event.key];
    if (!key || event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    key();
  });
}
