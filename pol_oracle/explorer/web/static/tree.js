// The whole tree on a canvas: moved, zoomed, and played back. Only what is in sight is drawn.
const CELL = 34, ROW = 40, RADIUS = 9, MARGIN = 30;
const PENDING = 1, FINALIZED = 2, SLASHED = 3, ORPHANED = 4;
const NAMES = ["", "pending", "finalized", "slashed", "orphaned"];

const box = document.getElementById("grown");
const canvas = document.getElementById("canvas");
const pen = canvas.getContext("2d");
const hint = document.getElementById("hint");
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
  tree = await answer.json();
  byHeight = [];
  tree.id.forEach((_, i) => { (byHeight[tree.height[i]] ??= []).push(i); });
  falls = tree.closed.filter((time, i) => tree.status[i] === SLASHED && time >= 0).sort((a, b) => a - b);
  document.getElementById("newest").hidden = true;
  box.hidden = false;
  if (!fitted) view.zoom = Math.min(1.7, Math.max(1, box.clientWidth / ((top() + 1) * CELL + 2 * MARGIN)));
  fitted = true;
  resize();
  if (following) toEnd();
  show();
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
  if (at === Infinity) return tree.status[i];
  if (tree.proposed[i] > at) return 0;
  return tree.closed[i] >= 0 && tree.closed[i] <= at ? tree.status[i] : PENDING;
}

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
  return passed ? tree.heads[passed - 1][1] : -1;
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
}

function ring(x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius + 3, 0, 7);
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 3;
  pen.stroke();
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
    if (head >= 0) intoSight(tree.height[head]);
  } else {
    told.textContent = `${tree.id.length} blocks`;
  }
  ask();
}

function intoSight(height) {
  const wide = canvas.clientWidth / view.zoom, x = height * CELL;
  if (x < view.x + MARGIN || x > view.x + wide - 2 * MARGIN) view.x = Math.max(-MARGIN, x - wide * 0.8);
}

let playing = 0;
const LENGTH_MS = 20000;

function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  play.textContent = "Play";
  play.setAttribute("aria-pressed", "false");
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
  play.textContent = "Pause";
  play.setAttribute("aria-pressed", "true");
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
  if (!before) { point(event.offsetX, event.offsetY); return; }
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
  if (i !== null && moved < 5) location.href = `/block/${tree.id[i]}`;
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
canvas.addEventListener("keydown", (event) => {
  const step = 80 / view.zoom;
  const keys = {
    ArrowLeft: () => { view.x -= step; }, ArrowRight: () => { view.x += step; },
    ArrowUp: () => { view.y -= step; }, ArrowDown: () => { view.y += step; },
    "+": () => zoomBy(1.25, canvas.clientWidth / 2, canvas.clientHeight / 2),
    "-": () => zoomBy(0.8, canvas.clientWidth / 2, canvas.clientHeight / 2),
    Home: () => { view.x = -MARGIN; view.y = -MARGIN; }, End: toEnd,
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  following = event.key === "End";
  keys[event.key]();
  ask();
});

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

function point(x, y) {
  const i = nearest(x, y);
  hint.hidden = i === null;
  canvas.style.cursor = i === null ? "" : "pointer";
  if (i === null) return;
  const accuracy = (100 * tree.correct[i] / tree.test_count).toFixed(2);
  hint.textContent = `block ${tree.id[i].slice(0, 8)} · height ${tree.height[i]}\n${NAMES[statusAt(i)]} · ${accuracy} %`;
  hint.style.left = `${Math.min(x + 14, canvas.clientWidth - 190)}px`;
  hint.style.top = `${Math.max(y - 52, 4)}px`;
}
canvas.addEventListener("pointerleave", () => { hint.hidden = true; });

addEventListener("resize", resize);
addEventListener("pol:changed", load);
addEventListener("pol:theme", () => { readColours(); ask(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); ask(); });
readColours();
load();
