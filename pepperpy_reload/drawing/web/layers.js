// Where nodes are drawn: in layers, what is imported below what imports it. Nodes are numbers, links pairs of them.
const GAP = 14;
const HEIGHT = 28;
const ROOM = 46;
const SWEEPS = 8;

function components(nodes, below) {
  // Tarjan's algorithm, without recursion: each group comes after all that it needs.
  const index = new Map();
  const low = new Map();
  const onPath = new Set();
  const path = [];
  const found = [];
  for (const root of nodes) {
    if (index.has(root)) continue;
    const work = [];
    const open = (node) => {
      index.set(node, index.size);
      low.set(node, index.get(node));
      path.push(node);
      onPath.add(node);
      work.push([node, 0]);
    };
    open(root);
    while (work.length) {
      const top = work[work.length - 1];
      const [node, at] = top;
      const row = below.get(node);
      if (at < row.length) {
        top[1] += 1;
        if (!index.has(row[at])) open(row[at]);
        else if (onPath.has(row[at])) low.set(node, Math.min(low.get(node), index.get(row[at])));
        continue;
      }
      work.pop();
      if (work.length) {
        const above = work[work.length - 1][0];
        low.set(above, Math.min(low.get(above), low.get(node)));
      }
      if (low.get(node) === index.get(node)) {
        const group = [];
        do {
          group.push(path.pop());
          onPath.delete(group[group.length - 1]);
        } while (group[group.length - 1] !== node);
        found.push(group);
      }
    }
  }
  return found;
}

function table(nodes, links) {
  const found = new Map(nodes.map((node) => [node, []]));
  for (const [one, other] of links) found.get(one).push(other);
  return found;
}

function homes(nodes, links) {
  const home = new Map();
  components(nodes, table(nodes, links)).forEach((group, number) => group.forEach((node) => home.set(node, number)));
  return home;
}

function layered(nodes, links) {
  // In a cycle those that come first are above; every other link leads downwards.
  const first = new Map(nodes.map((node, number) => [node, number]));
  const home = homes(nodes, links);
  const down = links.filter(([one, other]) => home.get(one) !== home.get(other) || first.get(one) < first.get(other));
  const below = table(nodes, down);
  const level = new Map(nodes.map((node) => [node, 0]));
  for (const [node] of components(nodes, below).reverse()) {
    for (const other of below.get(node)) level.set(other, Math.max(level.get(other), level.get(node) + 1));
  }
  const found = [];
  for (const node of nodes) (found[level.get(node)] ||= []).push(node);
  return found;
}

function neighbours(nodes, links) {
  const found = new Map(nodes.map((node) => [node, []]));
  for (const [one, other] of links) {
    found.get(one).push(other);
    found.get(other).push(one);
  }
  return found;
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function untangle(layers, beside) {
  const place = new Map();
  const depth = new Map();
  const spread = (row) => row.forEach((node, number) => place.set(node, (number + 0.5) / row.length));
  layers.forEach((row, number) => {
    spread(row);
    row.forEach((node) => depth.set(node, number));
  });
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const down = sweep % 2 === 0;
    for (const row of down ? layers : [...layers].reverse()) {
      const wish = new Map(row.map((node) => {
        const near = beside.get(node).filter((one) => (depth.get(one) < depth.get(node)) === down);
        return [node, near.length ? mean(near.map((one) => place.get(one))) : place.get(node)];
      }));
      row.sort((one, other) => wish.get(one) - wish.get(other));
      spread(row);
    }
  }
}

function layOut(nodes, widths, links, most) {
  // A box [x, y, width] for each node; layers that are too wide are broken into rows.
  const boxes = new Map();
  const beside = neighbours(nodes, links);
  const layers = layered(nodes, links);
  untangle(layers, beside);
  const lines = [];
  let y = 0;
  for (const layer of layers) {
    let used = Infinity;
    for (const node of layer) {
      if (used + widths.get(node) > most) {
        if (used !== Infinity && lines[lines.length - 1].of === layer) y += HEIGHT + GAP;
        lines.push(Object.assign([], { y, of: layer }));
        used = 0;
      }
      lines[lines.length - 1].push(node);
      used += widths.get(node) + GAP;
    }
    y += HEIGHT + ROOM;
  }
  let widest = 0;
  for (const line of lines) {
    const width = line.reduce((sum, node) => sum + widths.get(node) + GAP, -GAP);
    widest = Math.max(widest, width);
    let x = -width / 2;
    for (const node of line) {
      boxes.set(node, [x, line.y, widths.get(node)]);
      x += widths.get(node) + GAP;
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) for (const line of lines) shift(line, boxes, beside, widest / 2);
  return boxes;
}

function shift(line, boxes, beside, half) {
  // Towards what a box is linked with, as far as its neighbours let it.
  const middle = (node) => boxes.get(node)[0] + boxes.get(node)[2] / 2;
  let free = -half;
  const left = line.map((node) => {
    const box = boxes.get(node);
    const near = beside.get(node).filter((one) => boxes.get(one)[1] !== box[1]);
    const wish = (near.length ? mean(near.map(middle)) : middle(node)) - box[2] / 2;
    const x = Math.max(wish, free);
    free = x + box[2] + GAP;
    return x;
  });
  let over = half;
  for (let number = line.length - 1; number >= 0; number -= 1) {
    const box = boxes.get(line[number]);
    box[0] = Math.min(left[number], over - box[2]);
    over = box[0] - GAP;
  }
}
