// What a person does to the graph, and the words beside it.
function choosePlace(name, reveal = false) {
  marked = new Set();
  chosen = name;
  if (reveal) revealed(name);
  if (near || reveal) lay();
  else draw();
  if (reveal) centreOn(stands(name));
  tell();
}

function revealed(name) {
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) opened.add(name.slice(0, dot));
}

function toggle(name) {
  if (opened.has(name)) for (const one of [...opened]) (one === name || one.startsWith(`${name}.`)) && opened.delete(one);
  else opened.add(name);
  const before = drawn.boxes.get(name);
  lay();
  const after = drawn.boxes.get(name);
  if (before && after) {
    // What was clicked stays under the pointer.
    camera.x += (before[0] - after[0]) * camera.scale;
    camera.y += (before[1] - after[1]) * camera.scale;
    look();
  } else fit();
  tell();
}

let dragged = null;
$("stage").addEventListener("pointerdown", (event) => {
  dragged = { x: event.clientX, y: event.clientY, far: false };
});
addEventListener("pointermove", (event) => {
  if (!dragged) return;
  const [dx, dy] = [event.clientX - dragged.x, event.clientY - dragged.y];
  if (!dragged.far && Math.hypot(dx, dy) < 4) return;
  dragged = { x: event.clientX, y: event.clientY, far: true };
  $("stage").classList.add("dragging");
  camera.x += dx;
  camera.y += dy;
  look();
});
addEventListener("pointerup", () => {
  $("stage").classList.remove("dragging");
  setTimeout(() => { dragged = null; });
});
$("stage").addEventListener("click", (event) => {
  if (dragged?.far) return;
  const sign = event.target.closest(".toggle");
  const node = event.target.closest(".node");
  if (sign) toggle(sign.dataset.toggle);
  else choosePlace(node ? node.dataset.name : null);
});
$("stage").addEventListener("dblclick", (event) => {
  const node = event.target.closest(".node");
  if (node && isPackage.has(node.dataset.name) && !event.target.closest(".toggle")) toggle(node.dataset.name);
});
$("stage").addEventListener("wheel", (event) => {
  event.preventDefault();
  const box = $("stage").getBoundingClientRect();
  nearer(Math.exp(-event.deltaY * 0.0015), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
$("nearer").addEventListener("click", () => nearer(1.3));
$("farther").addEventListener("click", () => nearer(1 / 1.3));
$("fit").addEventListener("click", fit);

function pressed(id, value) {
  $(id).setAttribute("aria-pressed", String(value));
}

function setNear(value) {
  near = value && chosen !== null;
  pressed("focus", near);
  lay();
  fit();
}

$("focus").addEventListener("click", () => setNear(!near));
choose("steps", (value) => {
  reach = Number(value);
  if (near) setNear(true);
});
$("knots").addEventListener("click", () => {
  onlyKnots = !onlyKnots;
  pressed("knots", onlyKnots);
  lay();
  fit();
});
$("open").addEventListener("click", () => {
  opened = new Set(packages);
  lay();
  fit();
});
$("close").addEventListener("click", () => {
  opened = new Set();
  lay();
  fit();
});
document.addEventListener("keydown", (event) => {
  if (typing(event)) return;
  const node = event.target.closest?.(".node");
  if (node && event.key === "Enter") {
    const name = node.dataset.name;
    if (chosen === name && isPackage.has(name)) toggle(name);
    else choosePlace(name);
    document.querySelector(`.node[data-name="${CSS.escape(name)}"]`)?.focus();
    return;
  }
  const act = {
    f: () => chosen !== null && setNear(!near),
    Escape: () => (near ? setNear(false) : choosePlace(null)),
    "+": () => nearer(1.3),
    "=": () => nearer(1.3),
    "-": () => nearer(1 / 1.3),
    0: fit,
  }[event.key];
  if (act) act();
});

// ---- words
function named(name) {
  const button = make("button", { type: "button", className: "link" }, name);
  button.addEventListener("click", () => choosePlace(name, true));
  return button;
}

function edgeList(title, edges) {
  if (!edges.length) return [];
  const list = make("ul", { className: "chain list" });
  for (const [name, at] of edges) list.append(make("li", {}, named(name), at ? make("span", { className: "at" }, at) : null));
  return [make("h2", { className: "label" }, `${title} (${edges.length})`), list];
}

function tell() {
  const pane = $("details");
  if (chosen === null) {
    const closed = [...drawn.shown.values()].some((node) => node.closed);
    pane.replaceChildren(make("h2", { className: "label", style: "margin:0 0 8px" }, "How to read this"),
      make("p", { className: "quiet", style: "margin:0" }, "What is imported lies below what imports it. Click a module for its imports and importers. ",
        closed ? "A box with a + is a package: open it to see its modules." : ""));
    return;
  }
  const inside = new Set(members.get(chosen) || [byName.get(chosen)]);
  const whole = isPackage.has(chosen) && !opened.has(chosen);
  const self = (number) => (whole ? inside.has(number) : nodes[number].name === chosen);
  const outward = links.filter((link) => self(link.importer) && !self(link.imported)).map((link) => [nodes[link.imported].name, link.at]);
  const inward = links.filter((link) => self(link.imported) && !self(link.importer)).map((link) => [nodes[link.importer].name, link.at]);
  const module = nodes[byName.get(chosen)];
  const time = [...inside].filter(self).reduce((sum, number) => sum + nodes[number].self, 0);
  pane.replaceChildren(
    make("h3", {}, chosen),
    make("p", { className: "quiet", style: "margin:2px 0 0" }, [whole ? `${inside.size} modules` : module?.file, `self ${milliseconds(time)}`, module ? `saved without it ${milliseconds(module.saved)}` : ""].filter(Boolean).join(" · ")),
    ...edgeList("Imported by", inward),
    ...edgeList("Imports", outward),
  );
}

// ---- cycles
function drawCycles() {
  $("cycletitle").textContent = data.cycles.length ? `Cycles of your own modules (${data.cycles.length})` : "No cycles of your own modules";
  for (const cycle of data.cycles) {
    const kind = make("em", { className: cycle.harm.startsWith("harmful") ? "harmful" : "" }, cycle.harm);
    const words = cycle.steps.map(([importer]) => importer).concat(cycle.steps[0][0]).join(" → ");
    const button = make("button", { type: "button", title: cycle.steps.map(([importer, , at]) => `${importer} (${at})`).join(" → ") }, kind, words);
    button.addEventListener("click", () => {
      chosen = null;
      near = false;
      pressed("focus", false);
      for (const [importer] of cycle.steps) revealed(importer);
      marked = new Set(cycle.steps.map(([importer, imported]) => `${importer} ${imported}`));
      lay();
      fit();
      tell();
    });
    $("cycles").append(make("li", {}, button));
  }
}

// ---- the search
let hits = [];
let turn = -1;

$("search").addEventListener("input", () => {
  sought = $("search").value.trim().toLowerCase();
  hits = sought ? nodes.filter((node) => node.name.toLowerCase().includes(sought)) : [];
  hits.sort((one, other) => one.name.length - other.name.length || (one.name < other.name ? -1 : 1));
  turn = -1;
  $("found").textContent = !sought ? "" : hits.length || "none";
  draw();
});
$("search").addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    $("search").value = "";
    $("search").dispatchEvent(new Event("input"));
    $("search").blur();
  } else if (event.key === "Enter" && hits.length) {
    turn = (turn + (event.shiftKey ? hits.length - 1 : 1)) % hits.length;
    choosePlace(hits[turn].name, true);
  }
});

$("target").textContent = data.target;
const knotted = links.filter((link) => link.cycle).length;
$("figures").append(figure("modules", String(nodes.length)), figure("imports", String(links.length)),
  figure("of them in cycles at import", String(knotted)));
openAtFirst();
lay();
fit();
tell();
drawCycles();
addEventListener("resize", fit);
