// The graph: what is drawn follows from the packages that are `opened`, from `chosen`, and from the two filters.
const nodes = data.nodes.map(([name, shade, self, saved, file], number) => ({ name, shade, self, saved, file, number }));
const links = data.links.map(([importer, imported, at, early, down, cycle]) => ({ importer, imported, at, early, down, cycle }));
const byName = new Map(nodes.map((node) => [node.name, node.number]));
const GLANCE = 60;

function isScript(name) {
  return name === data.target && (name.endsWith(".py") || name.includes("/"));
}

// ---- packages: every name that others begin with
const members = new Map();
for (const node of nodes) {
  const parts = isScript(node.name) ? [node.name] : node.name.split(".");
  for (let end = 1; end <= parts.length; end += 1) {
    const name = parts.slice(0, end).join(".");
    if (!members.has(name)) members.set(name, []);
    members.get(name).push(node.number);
  }
}
const packages = [...members].filter(([, inside]) => inside.length > 1).map(([name]) => name);
const isPackage = new Set(packages);
let opened = new Set();
let chosen = null; // a module's or a package's name
let near = false;
let reach = 1;
let onlyKnots = false;
let sought = "";
let marked = new Set(); // the links, as "importer imported", of the cycle that is looked at
const camera = { x: 0, y: 0, scale: 1 };

function stands(name) {
  // What a module is drawn as: the outermost package around it that is closed, or itself.
  if (isScript(name)) return name;
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const outer = name.slice(0, dot);
    if (isPackage.has(outer) && !opened.has(outer)) return outer;
  }
  return name;
}

function openAtFirst() {
  if (data.folded) return;
  for (const name of [...packages].sort((one, other) => one.split(".").length - other.split(".").length || members.get(one).length - members.get(other).length)) {
    opened.add(name);
    if (new Set(nodes.map((node) => stands(node.name))).size > GLANCE && opened.size > 1) opened.delete(name);
  }
}

function folded() {
  // Nodes and links as they are drawn now, by name.
  const shown = new Map();
  const standing = nodes.map((node) => stands(node.name));
  nodes.forEach((node, number) => {
    const name = standing[number];
    if (!shown.has(name)) shown.set(name, { name, shade: node.shade, inside: 0, closed: isPackage.has(name) && !opened.has(name) });
    shown.get(name).inside += 1;
  });
  const joined = new Map();
  for (const link of links) {
    const [one, other] = [standing[link.importer], standing[link.imported]];
    if (one === other) continue;
    const key = `${one} ${other}`;
    const known = joined.get(key);
    if (!known) joined.set(key, { key, one, other, early: link.early, down: link.down, of: [link] });
    else {
      known.of.push(link);
      known.early ||= link.early;
      known.down ||= link.down;
    }
  }
  return [shown, [...joined.values()]];
}

function kept(shown, joined) {
  // The names that the filters leave.
  let names = [...shown.keys()];
  if (onlyKnots) {
    const pairs = joined.map((link) => [link.one, link.other]);
    const home = homes(names, pairs);
    const size = new Map();
    for (const name of names) size.set(home.get(name), (size.get(home.get(name)) || 0) + 1);
    names = names.filter((name) => size.get(home.get(name)) > 1);
  }
  if (near && chosen !== null) {
    const centre = shown.has(chosen) ? chosen : stands(chosen);
    const found = new Set([...walk(centre, joined, "one", "other"), ...walk(centre, joined, "other", "one")]);
    names = names.filter((name) => found.has(name));
  }
  return new Set(names);
}

function walk(start, joined, from, to) {
  const found = new Set([start]);
  let edge = [start];
  for (let step = 0; step < reach && edge.length; step += 1) {
    const next = [];
    for (const link of joined) {
      if (edge.includes(link[from]) && !found.has(link[to])) {
        found.add(link[to]);
        next.push(link[to]);
      }
    }
    edge = next;
  }
  return found;
}

// ---- what is drawn
let drawn = { names: new Set(), joined: [], boxes: new Map(), shown: new Map() };

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function labelOf(node) {
  return node.closed ? `${node.name}  ${node.inside}` : node.name;
}

function lay() {
  const [shown, all] = folded();
  const names = kept(shown, all);
  const joined = all.filter((link) => names.has(link.one) && names.has(link.other));
  const order = [...names];
  const widths = new Map(order.map((name) => [name, labelOf(shown.get(name)).length * 7 + (isPackage.has(name) ? 44 : 22)]));
  const leading = joined.filter((link) => link.down).map((link) => [link.one, link.other]);
  const boxes = layOut(order, widths, leading, Math.max(1100, Math.sqrt(order.length) * 230));
  const early = homes(order, joined.filter((link) => link.early).map((link) => [link.one, link.other]));
  const every = homes(order, joined.map((link) => [link.one, link.other]));
  for (const link of joined) {
    const home = link.early ? early : every;
    link.cycle = home.get(link.one) === home.get(link.other);
    link.closes = link.cycle && boxes.get(link.other)[1] <= boxes.get(link.one)[1];
  }
  tellWhatFollows(order, joined);
  drawn = { names, joined, boxes, shown };
  draw();
}

function tellWhatFollows(order, joined) {
  // A link that leads down follows if the same place is reached by another first step.
  const down = joined.filter((link) => link.down && !link.closes);
  const below = table(order, down.map((link) => [link.one, link.other]));
  const reached = new Map();
  for (const [name] of components(order, below)) {
    const found = new Set([name]);
    for (const other of below.get(name)) for (const far of reached.get(other) || []) found.add(far);
    reached.set(name, found);
  }
  for (const link of joined) link.follows = false;
  for (const link of down) link.follows = below.get(link.one).some((other) => other !== link.other && reached.get(other)?.has(link.other));
}

function path(one, other) {
  const [x, far] = [one[0] + one[2] / 2, other[0] + other[2] / 2];
  if (one[1] === other[1]) {
    const y = one[1] + HEIGHT;
    const by = far > x ? 8 : -8;
    return `M${x + by} ${y}C${x + by} ${y + 24} ${far - by} ${y + 24} ${far - by} ${y}`;
  }
  const down = other[1] > one[1];
  const [y, end] = down ? [one[1] + HEIGHT, other[1]] : [one[1], other[1] + HEIGHT];
  const bend = Math.max(16, Math.abs(end - y) / 2) * (down ? 1 : -1);
  return `M${x} ${y}C${x} ${y + bend} ${far} ${end - bend} ${far} ${end}`;
}

function draw() {
  const { joined, boxes, shown, names } = drawn;
  const centre = chosen === null ? null : shown.has(chosen) && names.has(chosen) ? chosen : stands(chosen);
  const close = new Set(centre !== null && names.has(centre) ? [centre] : []);
  const isMarked = (link) => link.of.some((each) => marked.has(`${nodes[each.importer].name} ${nodes[each.imported].name}`));
  const strokes = joined.map((link) => {
    const bright = marked.size ? isMarked(link) : link.one === centre || link.other === centre;
    if (bright) close.add(link.one).add(link.other);
    const stroke = svg("path", { class: "way", d: path(boxes.get(link.one), boxes.get(link.other)), "marker-end": `url(#${link.cycle ? "red" : "tip"})` });
    for (const kind of ["cycle", "closes", "follows"]) stroke.classList.toggle(kind, Boolean(link[kind]));
    stroke.classList.toggle("late", !link.early);
    stroke.classList.toggle("near", bright);
    const where = link.of.length > 1 ? `${link.of.length} imports` : link.of[0].at;
    stroke.append(svg("title", {}, `${link.one} imports ${link.other}: ${where}`));
    return stroke;
  });
  strokes.sort((one, other) => one.classList.contains("closes") - other.classList.contains("closes"));
  $("links").replaceChildren(...strokes);
  $("nodes").replaceChildren(...[...names].map((name) => element(shown.get(name), boxes.get(name), close.has(name), name === centre)));
  $("view").classList.toggle("dim", close.size > 0);
  $("view").classList.toggle("searching", Boolean(sought));
  $("focus").disabled = chosen === null;
  look();
}

function element(node, [x, y, width], isNear, isChosen) {
  const text = svg("text", { x: x + 11, y: y + 18 }, node.name);
  if (node.closed) text.append(svg("tspan", { class: "count" }, `  ${node.inside}`));
  const group = svg("g", { class: "node", tabindex: "0", role: "button", "data-name": node.name, "aria-label": node.closed ? `${node.name}, ${node.inside} modules` : node.name });
  const box = (by) => svg("rect", { class: by ? "under" : "box", x: x + by, y: y + by, width, height: HEIGHT, rx: 7, style: `fill:${fill(node.shade)}` });
  group.append(svg("title", {}, node.name));
  if (node.closed) group.append(box(3));
  group.append(box(0), text);
  if (isPackage.has(node.name)) {
    group.classList.toggle("package", node.closed);
    const sign = svg("g", { class: "toggle", "data-toggle": node.name });
    sign.append(svg("circle", { cx: x + width - 15, cy: y + HEIGHT / 2, r: 7.5 }), svg("text", { x: x + width - 15, y: y + HEIGHT / 2 + 4 }, node.closed ? "+" : "−"));
    group.append(sign);
  }
  group.classList.toggle("near", isNear);
  group.classList.toggle("chosen", isChosen);
  group.classList.toggle("hit", Boolean(sought) && (node.name.toLowerCase().includes(sought) || (node.closed && members.get(node.name).some((one) => nodes[one].name.toLowerCase().includes(sought)))));
  return group;
}

// ---- looking about
function look() {
  $("view").setAttribute("transform", `translate(${camera.x} ${camera.y}) scale(${camera.scale})`);
}

function extent() {
  const boxes = [...drawn.boxes.values()];
  const left = Math.min(...boxes.map((box) => box[0]));
  const right = Math.max(...boxes.map((box) => box[0] + box[2]));
  return [left, right, Math.max(...boxes.map((box) => box[1])) + HEIGHT];
}

function fit() {
  if (!drawn.boxes.size) return;
  const { clientWidth: width, clientHeight: height } = $("stage");
  const [left, right, bottom] = extent();
  camera.scale = Math.min((width - 48) / (right - left), (height - 56) / bottom, 1.25);
  camera.x = (width - (left + right) * camera.scale) / 2;
  camera.y = Math.max(28, (height - bottom * camera.scale) / 2);
  look();
}

function nearer(factor, x = $("stage").clientWidth / 2, y = $("stage").clientHeight / 2) {
  const scale = Math.min(3, Math.max(0.04, camera.scale * factor));
  camera.x = x - ((x - camera.x) * scale) / camera.scale;
  camera.y = y - ((y - camera.y) * scale) / camera.scale;
  camera.scale = scale;
  look();
}

function centreOn(name) {
  const box = drawn.boxes.get(name);
  if (!box) return;
  camera.scale = Math.max(camera.scale, 0.8);
  camera.x = $("stage").clientWidth / 2 - (box[0] + box[2] / 2) * camera.scale;
  camera.y = $("stage").clientHeight / 2 - (box[1] + HEIGHT / 2) * camera.scale;
  look();
}
