// Bars over time: what is drawn follows from `view` (seconds shown), `chosen` (a module's number) and `sought`.
const modules = data.modules;
const ROW = 21;
const TIMES = { source: 2, bytecode: 0, extension: 3, "built-in": -1, frozen: -1, namespace: 5, other: -1 };
const inside = modules.map(() => []);
const tops = [];
const byName = new Map();
const importers = new Map();
const imports = new Map();
modules.forEach((module, number) => {
  (module.parent < 0 ? tops : inside[module.parent]).push(number);
  module.took = module.end - module.start;
  const known = byName.get(module.name);
  if (known === undefined || modules[known].error) byName.set(module.name, number);
});
for (const [importer, imported, at, early] of data.edges) {
  if (!importers.has(imported)) importers.set(imported, []);
  importers.get(imported).push({ name: importer, at, early });
  if (!imports.has(importer)) imports.set(importer, []);
  imports.get(importer).push({ name: imported, at, early });
}
const whole = [Math.min(...modules.map((one) => one.start), 0), Math.max(...modules.map((one) => one.end), 1e-6)];
const slowest = Math.max(...modules.map((one) => one.self), 1e-6);
let view = [...whole];
let chosen = -1;
let hits = [];
let sought = "";
let colouring = "package";

function colour(module) {
  if (colouring === "package") return fill(module.colour);
  if (colouring === "kind") return fill(TIMES[module.kind] ?? -1);
  const share = Math.sqrt(module.self / slowest);
  return `var(--heat-${Math.min(4, Math.floor(share * 5))})`;
}

// ---- the bars: one element for each that can be seen, kept while it is seen, so that zooming moves it
const stages = data.lanes.map((lane) => {
  const stage = make("div", { className: "stage", role: "group", ariaLabel: lane.name });
  stage.style.height = `${lane.rows * ROW}px`;
  $("lanes").append(make("div", { className: "lane" }, data.lanes.length > 1 ? make("h2", {}, lane.name) : null, stage));
  return stage;
});
const marks = new Map();

function visible() {
  const width = stages[0].clientWidth || 1;
  const scale = width / (view[1] - view[0]);
  const taken = data.lanes.map(() => []); // by lane and row: the pixel at which the last bar ended
  const shown = new Map();
  modules.forEach((module, number) => {
    if (module.end < view[0] || module.start > view[1]) return;
    const left = Math.max(-2, (module.start - view[0]) * scale);
    const right = Math.min(width + 2, (module.end - view[0]) * scale);
    const must = number === chosen;
    if (right - left < 0.6 && !must && Math.floor(taken[module.lane][module.depth] ?? -9) === Math.floor(right)) return;
    taken[module.lane][module.depth] = right;
    shown.set(number, [left, Math.max(1, right - left), module.start < view[0] && module.end > view[1]]);
  });
  return shown;
}

function draw() {
  const shown = visible();
  for (const [number, mark] of marks) {
    if (!shown.has(number) && number !== focused()) {
      mark.remove();
      marks.delete(number);
    }
  }
  for (const [number, [left, width, above]] of shown) {
    const module = modules[number];
    const mark = marks.get(number) || born(number);
    mark.style.left = `${left}px`;
    mark.style.width = `${width}px`;
    mark.style.background = "";
    mark.style.backgroundColor = colour(module);
    mark.className = "mark";
    mark.classList.toggle("thin", width < 4);
    mark.classList.toggle("above", above && number !== chosen);
    mark.classList.toggle("failed", Boolean(module.error));
    mark.classList.toggle("chosen", number === chosen);
    mark.classList.toggle("hit", hits.includes(number));
    mark.tabIndex = number === chosen || (chosen < 0 && number === tops[0]) ? 0 : -1;
    label(mark, module, width);
  }
  document.body.classList.toggle("searching", Boolean(sought));
  $("whole").disabled = view[0] === whole[0] && view[1] === whole[1];
  drawAxis();
  drawPath();
}

function focused() {
  return document.activeElement && document.activeElement.classList.contains("mark") ? Number(document.activeElement.dataset.number) : -1;
}

function born(number) {
  const module = modules[number];
  const mark = make("button", { type: "button", ariaLabel: `${module.name}, ${milliseconds(module.took)}` });
  mark.dataset.number = number;
  mark.dataset.module = module.name;
  mark.style.top = `${module.depth * ROW}px`;
  stages[module.lane].append(mark);
  marks.set(number, mark);
  return mark;
}

function label(mark, module, width) {
  const room = width < 26 ? 0 : width > 150 ? 2 : 1;
  const short = module.name.slice(module.name.lastIndexOf(".") + 1);
  const name = module.name.length * 7.1 + 10 < width ? module.name : short;
  const key = `${room}${name}`;
  if (mark.dataset.label === key) return;
  mark.dataset.label = key;
  const share = module.took ? Math.min(1, module.saved / module.took) : 0;
  const line = make("span", { className: "saved" });
  line.style.width = `${share * 100}%`;
  const text = room && make("span", { className: "text" }, name, room > 1 ? make("i", {}, ` ${milliseconds(module.took)}`) : null);
  mark.replaceChildren(...(room ? [text] : []), line);
}

function drawAxis() {
  const span = view[1] - view[0];
  const rough = span / Math.max(2, stages[0].clientWidth / 110);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const ticks = [];
  for (let at = Math.ceil(view[0] / step) * step; at < view[1]; at += step) {
    const tick = make("span", {}, milliseconds(at).replace(/(\.\d*?)0+(?= )/, "$1").replace(". ", " "));
    tick.style.left = `${((at - view[0]) / span) * 100}%`;
    if ((at - view[0]) / span < 0.96) ticks.push(tick);
  }
  $("axis").replaceChildren(...ticks);
}

// ---- moving about
function show(from, to) {
  const span = Math.min(Math.max(to - from, 2e-6), whole[1] - whole[0]);
  const start = Math.min(Math.max(from, whole[0]), whole[1] - span);
  view = [start, start + span];
  if (span >= (whole[1] - whole[0]) * 0.9999) view = [...whole];
  draw();
}

function zoomTo(number) {
  chooseModule(number);
  const module = modules[number];
  show(module.start, module.end);
  marks.get(number)?.scrollIntoView({ block: "nearest" });
}

function zoomBy(factor, at = (view[0] + view[1]) / 2) {
  show(at - (at - view[0]) * factor, at + (view[1] - at) * factor);
}

function out() {
  // To the nearest bar above that is wider than what is shown, or to everything.
  let number = chosen;
  while (number >= 0 && modules[number].took <= (view[1] - view[0]) * 1.001) number = modules[number].parent;
  if (number >= 0) zoomTo(number);
  else show(...whole);
}

function chooseModule(number) {
  chosen = number;
  drawDetails();
  for (const row of $("rows").children) row.classList.toggle("chosen", Number(row.dataset.number) === number);
}

function pick(number, focus = true) {
  chooseModule(number);
  const { start, end, took } = modules[number];
  const seen = Math.min(end, view[1]) - Math.max(start, view[0]);
  const width = (took / (view[1] - view[0])) * stages[0].clientWidth;
  if (seen <= 0 || width < 3) {
    const span = Math.max(took * 12, 1e-5);
    show((start + end - span) / 2, (start + end + span) / 2);
  } else draw();
  const mark = marks.get(number);
  if (focus) mark?.focus({ preventScroll: true });
  mark?.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const row = chosen < 0 || modules[chosen].parent < 0 ? tops : inside[modules[chosen].parent];
  const next = row[row.indexOf(chosen) + by];
  if (next !== undefined) pick(next);
}

$("lanes").addEventListener("click", (event) => {
  const mark = event.target.closest(".mark");
  if (mark) zoomTo(Number(mark.dataset.number));
});
$("lanes").addEventListener("wheel", (event) => {
  const span = view[1] - view[0];
  if (event.ctrlKey || event.metaKey) {
    const box = stages[0].getBoundingClientRect();
    zoomBy(event.deltaY > 0 ? 1.2 : 1 / 1.2, view[0] + ((event.clientX - box.left) / box.width) * span);
  } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
    const by = ((event.deltaX || event.deltaY) / stages[0].clientWidth) * span;
    show(view[0] + by, view[1] + by);
  } else return;
  event.preventDefault();
}, { passive: false });
document.addEventListener("keydown", (event) => {
  if (typing(event) || (event.target instanceof HTMLButtonElement && !event.target.classList.contains("mark") && event.key === "Enter")) return;
  const act = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    ArrowUp: () => chosen >= 0 && modules[chosen].parent >= 0 && pick(modules[chosen].parent),
    ArrowDown: () => {
      const below = chosen < 0 ? tops : inside[chosen];
      if (below.length) pick(below.reduce((one, other) => (modules[other].took > modules[one].took ? other : one)));
    },
    Enter: () => chosen >= 0 && zoomTo(chosen),
    Escape: out,
    Home: () => show(...whole),
    "+": () => zoomBy(1 / 1.5),
    "=": () => zoomBy(1 / 1.5),
    "-": () => zoomBy(1.5),
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});
$("whole").addEventListener("click", () => show(...whole));
