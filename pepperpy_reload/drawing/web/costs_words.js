// Words and figures: the details of one module, what the pointer is over, the packages, the table, the search.
function chain(number) {
  // From the target down to a module: each with the line at which it imports the next one.
  const steps = [];
  const seen = new Set();
  let at = "";
  while (number >= 0 && !seen.has(number)) {
    seen.add(number);
    const module = modules[number];
    steps.unshift({ name: module.name, number, at });
    at = module.at;
    const importer = byName.get(module.importer) ?? -1;
    number = importer < 0 || seen.has(importer) ? module.parent : importer;
  }
  return at ? [{ name: data.target, number: -1, at }, ...steps] : steps;
}

function chainList(number, linked) {
  const list = make("ol", { className: "chain" });
  for (const { name, number: index, at } of chain(number)) {
    const text = linked && index >= 0 && index !== number ? link(name, index) : name;
    list.append(make("li", {}, text, at ? make("span", { className: "at" }, at) : null));
  }
  return list;
}

function link(name, number) {
  if (number === undefined) return name || data.target;
  const button = make("button", { type: "button", className: "link" }, name);
  button.addEventListener("click", () => pick(number));
  return button;
}

function sums(module) {
  return [
    ["self", milliseconds(module.self)],
    ["with all inside", milliseconds(module.took)],
    ["saved without it", milliseconds(module.saved)],
    ["memory", bytes(module.memory)],
  ];
}

function drawDetails() {
  const pane = $("details");
  if (chosen < 0) {
    pane.replaceChildren(
      make("h2", { className: "label" }, "How to read this"),
      make("p", { className: "quiet", style: "margin:0" }, "Each bar is a module, as long as loading it took; below it is what it loaded first. ",
        "The line at a bar's foot is the part that would really be saved without that import: the rest is needed by others as well. Click a bar to zoom in."),
    );
    return;
  }
  const module = modules[chosen];
  const grid = make("dl", { className: "grid" });
  for (const [name, value] of sums(module)) grid.append(make("div", { className: name.startsWith("saved") ? "main" : "" }, make("dt", {}, name), make("dd", {}, value)));
  const others = (importers.get(module.name) || []).filter((one) => one.name !== module.importer || one.at !== module.at);
  pane.replaceChildren(
    make("h3", {}, module.name),
    make("p", { className: "from quiet" }, `${module.kind}${module.file ? ` · ${module.file}` : ""}`),
    ...(module.error ? [make("p", { className: "error" }, module.error)] : []),
    grid,
    make("h2", { className: "label" }, "Loaded through"),
    chainList(chosen, true),
    ...edgeList(`Also imported by (${others.length})`, others),
    ...edgeList(`Imports (${(imports.get(module.name) || []).length})`, imports.get(module.name) || []),
  );
}

function edgeList(title, edges) {
  if (!edges.length) return [];
  const list = make("ul", { className: "chain list" });
  for (const { name, at } of edges) list.append(make("li", {}, link(name, byName.get(name)), at ? make("span", { className: "at" }, at) : null));
  return [make("h2", { className: "label" }, title), list];
}

$("lanes").addEventListener("pointermove", (event) => {
  const mark = event.target.closest(".mark");
  $("hover").hidden = !mark;
  if (!mark) return;
  const number = Number(mark.dataset.number);
  const module = modules[number];
  if ($("hover").dataset.number !== mark.dataset.number) {
    $("hover").dataset.number = mark.dataset.number;
    const row = make("div", { className: "sums" });
    for (const [name, value] of sums(module)) row.append(make("span", {}, make("b", {}, value), ` ${name}`));
    $("hover").replaceChildren(make("strong", {}, module.name), row, ...(module.error ? [make("p", { className: "error" }, module.error)] : []), chainList(number, false));
  }
  const box = $("hover").getBoundingClientRect();
  const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
  const below = event.clientY + 18 + box.height < innerHeight;
  $("hover").style.left = `${Math.max(8, left)}px`;
  $("hover").style.top = `${below ? event.clientY + 18 : Math.max(8, event.clientY - box.height - 12)}px`;
});
$("lanes").addEventListener("pointerleave", () => { $("hover").hidden = true; });

function drawPath() {
  const parts = [];
  for (let number = chosen; number >= 0; number = modules[number].parent) {
    const at = number;
    const button = make("button", { type: "button", className: "link" }, modules[number].name);
    button.addEventListener("click", () => zoomTo(at));
    parts.unshift(button, "›");
  }
  const all = make("button", { type: "button", className: "link" }, "all imports");
  all.addEventListener("click", () => { chooseModule(-1); show(...whole); });
  $("path").replaceChildren(all, ...(parts.length ? ["›", ...parts.slice(0, -1)] : []));
}

// ---- colours
function drawLegend() {
  const parts = [];
  const entry = (background, name) => {
    const swatch = make("i", { className: "swatch" });
    swatch.style.background = background;
    parts.push(make("span", {}, swatch, name));
  };
  if (colouring === "package") for (const [name, shade] of data.packages.slice(0, 6)) entry(fill(shade), name);
  if (colouring === "package" && data.packages.length > 6) parts.push(make("span", {}, `and ${data.packages.length - 6} more`));
  if (colouring === "kind") for (const kind of new Set(modules.map((one) => one.kind))) entry(fill(TIMES[kind] ?? -1), kind);
  if (colouring === "time") parts.push(make("span", {}, "little self time", make("i", { className: "ramp" }), milliseconds(slowest)));
  parts.push(make("span", {}, make("i", { className: "swatch line" }), "saved without it"));
  $("legend").replaceChildren(...parts);
}

choose("colours", (value) => {
  colouring = value;
  drawLegend();
  draw();
});

// ---- the packages
function drawPackages() {
  const most = Math.max(...data.packages.map((one) => one[3]), 1e-9);
  for (const [name, shade, count, saved] of data.packages.slice(0, 12)) {
    const swatch = make("i", { className: "swatch" });
    const full = make("i");
    swatch.style.background = full.style.background = fill(shade);
    full.style.width = `${(saved / most) * 100}%`;
    const button = make("button", { type: "button" }, swatch, make("b", {}, name, make("small", {}, count > 1 ? `${count} modules` : "")),
      make("span", {}, milliseconds(saved)), make("span", { className: "track" }, full));
    button.addEventListener("click", () => {
      $("search").value = name;
      seek(name);
    });
    $("packages").append(make("li", {}, button));
  }
}

// ---- the table
const COLUMNS = [
  ["Module", (one) => one.name, (one) => one.name],
  ["Self", (one) => one.self, (one) => heat(one.self)],
  ["With all inside", (one) => one.took, (one) => heat(one.took)],
  ["Saved without it", (one) => one.saved, (one) => heat(one.saved)],
  ["Memory", (one) => one.memory, (one) => bytes(one.memory)],
  ["Loaded from", (one) => one.kind, (one) => one.kind, "words"],
  ["Imported at", (one) => one.at, (one) => one.at, "words"],
];
const FIRST = 60;
let sorting = [3, -1];
let limit = FIRST;

function heat(seconds) {
  return make("span", { className: seconds >= data.total / 20 ? "hot" : "" }, milliseconds(seconds));
}

function drawTable() {
  const [column, way] = sorting;
  const value = COLUMNS[column][1];
  const found = (sought ? hits : [...modules.keys()]).sort((one, other) => {
    const [a, b] = [value(modules[one]), value(modules[other])];
    return (a < b ? -1 : a > b ? 1 : one - other) * (a === b ? 1 : way);
  });
  $("rows").replaceChildren(...found.slice(0, limit).map((number) => {
    const cells = COLUMNS.map(([, , text, words]) => make("td", { className: words || "" }, text(modules[number])));
    cells[0].title = modules[number].name;
    const row = make("tr", { className: number === chosen ? "chosen" : "" }, ...cells);
    row.dataset.number = number;
    return row;
  }));
  [...$("heads").children].forEach((head, place) => {
    if (place === column) head.setAttribute("aria-sort", way < 0 ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
  $("more").hidden = found.length <= limit;
  $("more").textContent = `Show all ${found.length}`;
}

COLUMNS.forEach(([name, , , words], place) => {
  const button = make("button", { type: "button" }, name);
  button.addEventListener("click", () => {
    sorting = [place, sorting[0] === place ? -sorting[1] : place && !words ? -1 : 1];
    drawTable();
  });
  $("heads").append(make("th", { className: words || "" }, button));
});
$("rows").addEventListener("click", (event) => {
  const row = event.target.closest("tr");
  if (row) pick(Number(row.dataset.number), false);
});
$("more").addEventListener("click", () => {
  limit = Infinity;
  drawTable();
});

// ---- the search
function seek(text) {
  sought = text.trim().toLowerCase();
  hits = [];
  if (sought) modules.forEach((module, number) => { if (module.name.toLowerCase().includes(sought)) hits.push(number); });
  limit = FIRST;
  const self = hits.reduce((sum, number) => sum + modules[number].self, 0);
  $("found").textContent = !sought ? "" : hits.length ? `${hits.length} · ${milliseconds(self)}` : "none";
  hits.sort((one, other) => one - other);
  draw();
  drawTable();
}

$("search").addEventListener("input", () => seek($("search").value));
$("search").addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    $("search").value = "";
    seek("");
    $("search").blur();
  }
  if (event.key !== "Enter" || !hits.length) return;
  const order = [...hits].sort((one, other) => modules[one].start - modules[other].start || one - other);
  const place = order.indexOf(chosen);
  pick(order[(place + (event.shiftKey ? order.length - 1 : 1) + (place < 0 && event.shiftKey ? 1 : 0)) % order.length], false);
});

// ---- the head, and everything for the first time
$("target").textContent = data.target;
const [time, unit] = milliseconds(data.total).split(" ");
$("figures").append(
  figure("in all imports", time, unit),
  figure(data.count === 1 ? "module" : "modules", String(data.count)),
  figure("memory", (data.memory / 1e6).toFixed(1), "MB"),
  figure("Python", data.python),
);
if (data.runs.length > 1) {
  const [least, most] = [Math.min(...data.runs), Math.max(...data.runs)];
  $("figures").append(figure(`runs, ${milliseconds(least)} – ${milliseconds(most)}`, String(data.runs.length)));
}
if (data.error) {
  $("remark").hidden = false;
  $("remark").textContent = `It raised ${data.error.split("\n")[0]}`;
}
drawLegend();
drawPackages();
drawDetails();
draw();
drawTable();
new ResizeObserver(draw).observe($("lanes"));
