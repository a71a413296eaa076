// Keeps a page up: one stream says that something is new, and the marked parts of the page are fetched again.
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"]];

// As `ago` in web/render.py.
function ago(seconds) {
  const size = Math.abs(seconds);
  const unit = UNITS.find(([length]) => size >= length);
  const words = unit ? `${Math.floor(size / unit[0])} ${unit[1]}` : `${size} s`;
  return seconds < 0 ? `in ${words}` : `${words} ago`;
}

function tick(now) {
  for (const time of document.querySelectorAll("time[data-at]")) {
    const text = ago(now - Number(time.dataset.at));
    if (time.textContent !== text) time.textContent = text;
  }
}

const AGAIN_MS = 5000, LATER_MS = 2000;
const failed = document.getElementById("failed") !== null; // this is no page, but says why there is none
const served = new Map(); // what the server sent: here times move on, and readers open details

let version = Number(document.body.dataset.version); // of what is shown: something may have come since
let busy = false;
let again = false;

for (const part of document.querySelectorAll("[data-live]")) served.set(part.id, part.innerHTML);

async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch(location.href, { cache: "no-cache" });
    if (failed ? answer.ok : answer.status === 404) { location.reload(); return; } // it is there again, or L1 took it back
    if (answer.status === 503) setTimeout(refresh, LATER_MS);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of document.querySelectorAll("[data-live]")) {
      const now = fresh.getElementById(old.id);
      if (now && now.innerHTML !== served.get(old.id) && !old.contains(document.activeElement)) {
        served.set(old.id, now.innerHTML);
        const boxes = [...old.querySelectorAll(".strip, .scroll")].map((box) => box.scrollLeft);
        old.replaceChildren(...now.childNodes);
        old.querySelectorAll(".strip, .scroll").forEach((box, i) => { box.scrollLeft = boxes[i] ?? 0; });
      }
    }
    dispatchEvent(new Event("pol:changed"));
  } catch {
    // the stream tells when the server is back
  } finally {
    busy = false;
    if (again) { again = false; refresh(); }
  }
}

function told(event) {
  const state = JSON.parse(event.data);
  const block = document.getElementById("l1-block");
  if (block) block.textContent = state.l1_block.toLocaleString("en").replaceAll(",", "\u202f");
  const time = document.getElementById("l1-time");
  if (time && state.now) {
    time.textContent = `${new Date(state.now * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  }
  if (version !== state.version) refresh();
  version = state.version;
  tick(state.now);
}

const away = document.getElementById("away");
let stream = null;
let silent = 0;

function watch() {
  stream?.close();
  stream = new EventSource("/live");
  stream.onmessage = told;
  stream.onopen = () => { clearTimeout(silent); silent = 0; away.hidden = true; };
  stream.onerror = () => {
    version = null; // whoever answers next may count anew
    silent ||= setTimeout(() => { away.hidden = false; }, AGAIN_MS);
    if (stream.readyState === EventSource.CLOSED) setTimeout(watch, AGAIN_MS); // a browser that was refused gives up
  };
}

if ("EventSource" in window) {
  watch();
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    version = null;
    watch();
  });
}
if (failed) setTimeout(refresh, LATER_MS);

const button = document.getElementById("theme");
button.hidden = false;
button.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* it holds for this page */ }
  dispatchEvent(new Event("pol:theme"));
});

addEventListener("keydown", (event) => {
  if (event.key === "/" && !/input|textarea/i.test(document.activeElement.tagName)) {
    event.preventDefault();
    document.getElementById("q").focus();
  }
});
