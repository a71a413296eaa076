// The whole tree on a canvas: moved, zoomed, played back, and walked by keys. Only what is in sight is drawn.
const CELL = 34, ROW = 40, RADIUS = 9, MARGIN = 30;
const HINT_WIDE = 210, HINT_HIGH = 68; // the room that the tooltip needs, in pixels
const GENESIS = -1; // its place; the tree's columns have none for it
const PENDING = 1, FINALIZED = 2, SLASHED = 3, ORPHANED = 4;
const NAMES = ["", "pending", "finalized", "slashed", "orphaned"];

const box = document.getElementById("grown");
const canvas = document.getElementById("canvas");
const pen = canvas.getContext("2d");
const hint = document.getElementById("hint");
const said = document.getElementById("said");
const slider = document.getElementById("when");
const moment = document.getElementById("moment");
const told = document.getElementById("told");
const play = document.getElementById("play");

let tree = null;
let view = { x: 0, y: 0, zoom: 1 };
let at = Infinity; // L1 seconds since the first proposal; Infinity: now
let colours = {};
let drawing = 0;
let byHeight = [];
let falls = []; // when slashed blocks were, in order
let following = true;
let fitted = false;
let selected = null; // a place, kept also while the past that is shown has no such block
let pointer = null; // where it hovers over the canvas

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement("i");
  document.body.append(probe);
  for (const name of ["ink", "muted", "line", "surface", "good", "pending", "bad", "orphan"]) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color || style.color;
  }
  probe.remove();
  colours.of = [colours.orphan, colours.pending, colours.good, colours.bad, colours.orphan];
}

async function load() {
  const answer = await fetch("/api/tree", { cache: "no-cache" });
  if (!answer.ok) return;
  const fresh = await answer.json();
  const before = spot();
  selected = kept(fresh);
  tree = fresh;
  byHeight = [[GENESIS]];
  tree.id.forEach((_, i) => { (byHeight[tree.height[i]] ??= []).push(i); });
  byHeight.forEach((row) => row.sort((a, b) => tree.lane[a] - tree.lane[b]));
  falls = tree.closed.filter((time, i) => tree.status[i] === SLASHED && time >= 0).sort((a, b) => a - b);
  document.getElementById("newest").hidden = true;
  box.hidden = false;
  if (!fitted) view.zoom = Math.min(1.7, Math.max(1, box.clientWidth / ((top() + 1) * CELL + 2 * MARGIN)));
  fitted = true;
  resize();
  if (following) toEnd();
  else if (isThere(selected) && spot() !== before) intoSight(selected); // only then: a reader may look elsewhere
  show();
}

// which block is selected, and where it is drawn
const spot = () => (selected === null ? "" : `${tree.id[selected]} ${place(selected)}`);

// where the selected block is in a new answer; where L1 took it back, what is left of its branch
function kept(fresh) {
  const places = new Map(fresh.id.map((id, i) => [id, i]));
  let i = selected;
  while (tree?.id[i] && !places.has(tree.id[i])) i = tree.parent[i];
  return places.get(tree?.id[i]) ?? i;
}

const place = (i) => (i < 0 ? [0, 0] : [tree.height[i] * CELL, tree.lane[i] * ROW]);
const top = () => byHeight.length - 1;

function toEnd() {
  view.x = Math.max(-MARGIN, (Math.max(top(), 0) * CELL + 2 * MARGIN) - canvas.clientWidth / view.zoom);
  view.y = -MARGIN;
}

function resize() {
  const rows = tree ? tree.lane.reduce((most, lane) => Math.max(most, lane), 2) + 1 : 3;
  canvas.style.height = `${Math.min((rows * ROW + 2 * MARGIN) * Math.max(view.zoom, 1), innerHeight * 0.62)}px`;
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(canvas.clientHeight * ratio);
  ask();
}

function statusAt(i) {
  if (i === GENESIS) return FINALIZED;
  if (at === Infinity) return tree.status[i];
  if (tree.proposed[i] > at) return 0;
  return tree.closed[i] >= 0 && tree.closed[i] <= at ? tree.status[i] : PENDING;
}

const isThere = (i) => i !== null && statusAt(i) > 0;

// how many of some things, in order of time, were by then
function past(things, time = (thing) => thing) {
  let low = 0, high = things.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time(things[middle]) <= at) low = middle + 1; else high = middle;
  }
  return low;
}

function headAt() {
  const passed = past(tree.heads, ([time]) => time);
  return passed ? tree.heads[passed - 1][1] : GENESIS;
}

function ask() {
  if (!drawing) drawing = requestAnimationFrame(() => { drawing = 0; draw(); });
}

function draw() {
  if (!tree) return;
  const ratio = devicePixelRatio || 1, zoom = view.zoom;
  const wide = canvas.clientWidth / zoom, high = canvas.clientHeight / zoom;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  pen.setTransform(ratio * zoom, 0, 0, ratio * zoom, -view.x * zoom * ratio, -view.y * zoom * ratio);
  const first = Math.max(1, Math.floor(view.x / CELL) - 1), last = Math.min(top(), Math.ceil((view.x + wide) / CELL) + 1);
  const head = headAt();
  marks(first, last, high);
  const paths = [new Path2D(), new Path2D(), new Path2D(), new Path2D(), new Path2D()];
  const dots = [new Path2D(), new Path2D(), new Path2D(), new Path2D(), new Path2D()];
  const radius = Math.max(RADIUS, 2.2 / zoom);
  for (let height = first; height <= last; height++) {
    for (const i of byHeight[height] ?? []) {
      const status = statusAt(i);
      const [x, y] = place(i);
      if (!status || y > view.y + high + ROW) continue;
      const [px, py] = place(tree.parent[i]), middle = (px + x) / 2;
      paths[status].moveTo(px, py);
      paths[status].bezierCurveTo(middle, py, middle, y, x, y);
      dots[status].moveTo(x + radius, y);
      dots[status].arc(x, y, radius, 0, 7);
    }
  }
  if (first === 1) {
    dots[FINALIZED].moveTo(radius * 0.6, 0);
    dots[FINALIZED].arc(0, 0, radius * 0.6, 0, 7); // genesis
  }
  lost(first, last);
  pen.lineWidth = Math.max(2, 0.8 / zoom);
  for (const status of [ORPHANED, PENDING, SLASHED, FINALIZED]) {
    pen.setLineDash(status === SLASHED ? [3, 4] : []);
    pen.strokeStyle = colours.of[status];
    pen.stroke(paths[status]);
  }
  pen.setLineDash([]);
  for (const status of [ORPHANED, PENDING, SLASHED, FINALIZED]) {
    pen.fillStyle = colours.of[status];
    pen.fill(dots[status]);
  }
  if (head >= 0) ring(...place(head), radius);
  if (isThere(selected)) outline(...place(selected), radius + Math.max(7, 3 / zoom));
  tell();
}

function ring(x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius + 3, 0, 7);
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 3;
  pen.stroke();
}

function outline(x, y, half) {
  pen.strokeStyle = colours.pending; // the colour of :focus-visible
  pen.lineWidth = Math.max(2, 2 / view.zoom);
  pen.strokeRect(x - half, y - half, 2 * half, 2 * half);
}

// what L1 took back, for as long as it stood
function lost(first, last) {
  pen.setLineDash([2, 3]);
  pen.strokeStyle = colours.muted;
  pen.lineWidth = 2;
  for (const [, parent, height, from, until] of tree.lost) {
    if (height < first || height > last || at === Infinity || at < from || at >= until) continue;
    const [, y] = place(parent);
    pen.beginPath();
    pen.arc(height * CELL, y + ROW / 2, RADIUS - 2, 0, 7);
    pen.stroke();
  }
  pen.setLineDash([]);
}

function marks(first, last, high) {
  const step = [1, 5, 10, 50, 100, 500, 1000, 5000].find((s) => s * CELL * view.zoom > 44) ?? 10000;
  pen.fillStyle = colours.muted;
  pen.strokeStyle = colours.line;
  pen.lineWidth = 1 / view.zoom;
  pen.font = `${11 / view.zoom}px system-ui, sans-serif`;
  pen.textAlign = "center";
  for (let height = Math.ceil(first / step) * step; height <= last; height += step) {
    pen.beginPath();
    pen.moveTo(height * CELL, view.y);
    pen.lineTo(height * CELL, view.y + high);
    pen.stroke();
    pen.fillText(String(height), height * CELL, view.y + high - 6 / view.zoom);
  }
}

// --- the past ---

function span() { return Math.max(tree.now, 1); }

function show() {
  at = Number(slider.value) >= 1000 ? Infinity : (Number(slider.value) / 1000) * span();
  moment.value = at === Infinity ? "now" : new Date((tree.since + at) * 1000).toISOString().slice(11, 19);
  if (at !== Infinity) {
    const head = headAt();
    const count = past(tree.proposed), fallen = past(falls);
    const back = tree.reorgs.filter(([time]) => time <= at).length;
    told.textContent = `${count} blocks, ${fallen} slashed${back ? `, ${back} reorganisations of L1` : ""}; ` +
      `head at height ${head < 0 ? 0 : tree.height[head]}`;
    if (isThere(selected)) intoSight(selected);
    else if (head >= 0) intoSight(head);
  } else {
    told.textContent = `${tree.id.length} blocks`;
  }
  ask();
}

function intoSight(i) {
  const wide = canvas.clientWidth / view.zoom, high = canvas.clientHeight / view.zoom, [x, y] = place(i);
  if (x < view.x + MARGIN || x > view.x + wide - 2 * MARGIN) view.x = Math.max(-MARGIN, x - wide * 0.8);
  if (y < view.y + MARGIN || y > view.y + high - MARGIN) view.y = Math.max(-MARGIN, y - high / 2);
}

let playing = 0;
const LENGTH_MS = 20000;

function plays(on) {
  play.textContent = on ? "Pause" : "Play";
  play.setAttribute("aria-pressed", String(on));
  for (const live of [told, moment]) live.setAttribute("aria-live", on ? "off" : "polite"); // not every frame is news
}

function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  plays(false);
}

play.addEventListener("click", () => {
  if (playing) { stop(); return; }
  const from = Number(slider.value) >= 1000 ? 0 : Number(slider.value);
  let began = null;
  const frame = (time) => {
    began ??= time - (from / 1000) * LENGTH_MS;
    slider.value = String(Math.min(1000, ((time - began) / LENGTH_MS) * 1000));
    show();
    if (Number(slider.value) >= 1000) stop(); else playing = requestAnimationFrame(frame);
  };
  plays(true);
  playing = requestAnimationFrame(frame);
});
slider.step = "any";
slider.addEventListener("input", () => { stop(); show(); });
document.getElementById("now").addEventListener("click", () => { stop(); slider.value = "1000"; following = true; toEnd(); show(); });

// --- moving about ---

function zoomBy(factor, x, y) {
  const zoom = Math.min(4, Math.max(0.02, view.zoom * factor));
  view.x += x / view.zoom - x / zoom;
  view.y += y / view.zoom - y / zoom;
  view.zoom = zoom;
  following = false;
  ask();
}

const pointers = new Map();
let moved = 0;
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  moved = 0;
});
canvas.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  pointer = [event.offsetX, event.offsetY];
  if (!before) { tell(); return; }
  const dx = event.offsetX - before[0], dy = event.offsetY - before[1];
  if (pointers.size === 2) {
    const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, spot]) => spot);
    const was = Math.hypot(before[0] - other[0], before[1] - other[1]);
    const is = Math.hypot(event.offsetX - other[0], event.offsetY - other[1]);
    if (was > 10) zoomBy(is / was, other[0], other[1]);
  } else {
    view.x -= dx / view.zoom;
    view.y -= dy / view.zoom;
    following = false;
  }
  moved += Math.abs(dx) + Math.abs(dy);
  pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  ask();
});
for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
canvas.addEventListener("click", (event) => {
  const i = nearest(event.offsetX, event.offsetY);
  if (i !== null && moved < 5) open(i);
});
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    view.x += (event.deltaX || event.deltaY) / view.zoom;
    following = false;
    ask();
  } else {
    zoomBy(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
  }
}, { passive: false });

function open(i) {
  location.href = i === GENESIS ? "/task" : `/block/${tree.id[i]}`; // the task says what genesis is
}

// --- by keys ---

const heightOf = (i) => (i === GENESIS ? 0 : tree.height[i]);
const row = (height) => (byHeight[height] ?? []).filter(isThere);

function beside(i, by) {
  const all = row(heightOf(i));
  return all[all.indexOf(i) + by];
}

const STEPS = { // from a block to another, as the drawing lies
  ArrowLeft: (i) => tree.parent[i],
  ArrowRight: (i) => row(heightOf(i) + 1).find((child) => tree.parent[child] === i),
  ArrowUp: (i) => beside(i, -1),
  ArrowDown: (i) => beside(i, 1),
};
const ENDS = { Home: () => GENESIS, End: headAt };
const ZOOMS = { "+": 1.25, "-": 0.8 };

function select(i) {
  selected = i;
  pointer = null;
  following = false;
  if (i !== null) intoSight(i);
  ask();
}

canvas.addEventListener("keydown", (event) => {
  const { key } = event, from = isThere(selected) ? selected : null;
  if (event.ctrlKey || event.altKey || event.metaKey) return; // the browser's own
  if (STEPS[key]) select(from === null ? headAt() : STEPS[key](from) ?? from);
  else if (ENDS[key]) select(ENDS[key]());
  else if (ZOOMS[key]) {
    zoomBy(ZOOMS[key], ...(from === null ? [canvas.clientWidth / 2, canvas.clientHeight / 2] : onScreen(from)));
    if (from !== null) intoSight(from);
  } else if (key === "Enter" && from !== null) open(from);
  else if (key === "Escape" && selected !== null) select(null);
  else return;
  event.preventDefault();
});

// --- what a block is ---

function nearest(x, y) {
  if (!tree) return null;
  const wx = view.x + x / view.zoom, wy = view.y + y / view.zoom;
  const height = Math.round(wx / CELL);
  let best = null, least = Math.max(16, 8 / view.zoom);
  for (const i of byHeight[height] ?? []) {
    const [px, py] = place(i), distance = Math.hypot(px - wx, py - wy);
    if (distance < least && statusAt(i)) { best = i; least = distance; }
  }
  return best;
}

function words(i) {
  if (i === GENESIS) return "genesis\nheight 0";
  const all = row(tree.height[i]), which = all.length > 1 ? ` · ${all.indexOf(i) + 1} of ${all.length}` : "";
  const accuracy = (100 * tree.correct[i] / tree.test_count).toFixed(2);
  return `block ${tree.id[i].slice(0, 8)}${i === headAt() ? " · the head" : ""}\n` +
    `height ${tree.height[i]}${which}\n${NAMES[statusAt(i)]} · ${accuracy} % accuracy`;
}

const onScreen = (i) => { const [x, y] = place(i); return [(x - view.x) * view.zoom, (y - view.y) * view.zoom]; };

// Shown is the block under the pointer, else the selected one; the selected one is said, too.
function tell() {
  if (!tree) return;
  const text = isThere(selected) ? words(selected) : "";
  const spoken = text.replace(/ · |\n/g, ", ");
  if (said.textContent !== spoken) said.textContent = spoken;
  const under = pointer && nearest(...pointer);
  canvas.style.cursor = under === null ? "" : "pointer";
  if (under !== null) hintAt(words(under), pointer[0] + 14, pointer[1] - HINT_HIGH - 4);
  else hintBeside(text);
}

function hintBeside(text) {
  const [x, y] = text ? onScreen(selected) : [-1, -1], away = Math.max(10, (RADIUS + 10) * view.zoom);
  hint.hidden = x < 0 || y < 0 || x > canvas.clientWidth || y > canvas.clientHeight;
  if (hint.hidden) return; // else off its row and its height, where keys lead
  const left = x + away + HINT_WIDE < canvas.clientWidth ? x + away : x - away - HINT_WIDE;
  hintAt(text, left, y < canvas.clientHeight / 2 ? y + away : y - away - HINT_HIGH);
}

function hintAt(text, x, y) {
  hint.hidden = false;
  hint.textContent = text;
  hint.style.left = `${Math.max(0, Math.min(x, canvas.clientWidth - HINT_WIDE))}px`;
  hint.style.top = `${Math.max(4, Math.min(y, canvas.clientHeight - HINT_HIGH))}px`;
}
canvas.addEventListener("pointerleave", () => { pointer = null; tell(); });

addEventListener("resize", resize);
addEventListener("pol:changed", load);
addEventListener("pol:theme", () => { readColours(); ask(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); ask(); });
readColours();
load();
