// What a report does beyond being read: tables that can be searched, filtered and sorted, links that lead to what a
// filter hides, and distributions drawn large by uPlot. Without it the page shows everything.
"use strict";

const charts = JSON.parse(document.getElementById("charts").textContent);
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

// ---------------------------------------------------------------- tables
const showsAll = new Map(); // of each table, what shows all of its rows

function prepare(table) {
  const rows = [...table.tBodies[0].rows];
  const bad = rows.filter((row) => row.classList.contains("bad"));
  const tools = document.querySelector(`.tools[data-for="${table.dataset.tools}"]`);
  const search = make("input", { type: "search", autocomplete: "off", maxLength: 1000 });
  const filter = make("select", {}, make("option", { value: "all", textContent: `all ${rows.length}` }));
  if (bad.length) filter.prepend(make("option", { value: "bad", textContent: `violations (${bad.length})` }));
  const count = make("span", { className: "count", role: "status" });
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  const show = () => {
    const sought = search.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = sought ? texts.get(row).includes(sought) : filter.value === "all" || row.classList.contains("bad");
      row.hidden = !fits;
      shown += fits;
      const detail = details.get(row);
      if (detail) detail.hidden = !fits;
    }
    count.textContent = `${shown} of ${rows.length} shown`;
  };
  search.addEventListener("input", show);
  filter.addEventListener("change", show);
  filter.selectedIndex = 0; // those in violation, where there are any
  showsAll.set(table, () => {
    search.value = "";
    filter.value = "all";
    show();
  });
  if (rows.length > 1) {
    tools.append(make("label", {}, "Search ", search), make("label", {}, "Show ", filter), count);
    tools.hidden = false;
    for (const head of table.tHead.querySelectorAll("[data-sorts]")) sortable(table, head);
    show();
  }
}

function keyOf(row, column) {
  const cell = row.cells[column];
  if ("value" in cell.dataset) return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  const text = cell.textContent.trim();
  return text === "-" ? null : text;
}

function sortable(table, head) {
  const button = make("button", { type: "button", className: "sort" }, ...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const descends = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descends ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].filter((row) => !row.classList.contains("detail"));
    const keyed = rows.map((row) => [keyOf(row, head.cellIndex), row]);
    const before = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null); // what has no value is last in either order
      return descends ? before(b, a) : before(a, b);
    });
    table.tBodies[0].append(...keyed.flatMap(([, row]) => (details.has(row) ? [row, details.get(row)] : [row])));
  });
}

// ---------------------------------------------------------------- charts
const details = new Map(); // by the row or figure that shows it small
const drawn = new Map(); // by the element that holds it: the chart, and how it is drawn again

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const percent = (share) => (share === null ? "" : `${+(100 * share).toPrecision(3)} %`);
const short = (number) => (number === null ? "" : String(+number.toPrecision(4)));
const fromZero = { range: (_, __, most) => [0, 1.05 * most] };
const named = { then: "Baseline", now: "Now" };

function seriesOf(chart, paths) {
  const fills = { then: colour("--then-area"), now: colour("--now-area") };
  return Object.keys(named).filter((side) => chart[side]).map((side) => ({
    label: named[side], stroke: colour(`--${side}`), fill: fills[side], width: 2, paths: paths[side],
    points: { show: false }, value: (_, share) => percent(share),
  }));
}

function plotOf(chart, width) {
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const shares = { ...axis, size: 60, values: (_, ticks) => ticks.map(percent) };
  const common = { width, height: 240, cursor: { drag: { x: true, y: false } }, scales: { x: { time: false }, y: fromZero } };
  const sides = Object.keys(named).filter((side) => chart[side]);
  if (chart.edges) {
    const stepped = uPlot.paths.stepped({ align: 1 });
    const label = (_, x, __, i) => (i === null ? "" : `${short(chart.edges[i])} to ${short(chart.edges[Math.min(i + 1, chart.edges.length - 1)])}`);
    return {
      options: { ...common, axes: [{ ...axis, values: (_, ticks) => ticks.map(short) }, shares],
        series: [{ label: "Value", value: label }, ...seriesOf(chart, { then: stepped, now: stepped })] },
      data: [chart.edges, ...sides.map((side) => [...chart[side], chart[side].at(-1)])],
    };
  }
  const places = chart.labels.map((_, i) => i);
  const bars = (size, align) => uPlot.paths.bars({ size: [size, 60], align });
  const label = (_, i) => (i === null ? "" : chart.labels[i] || "empty");
  return {
    options: { ...common, scales: { x: { time: false, range: [-0.6, places.length - 0.4] }, y: fromZero },
      axes: [{ ...axis, splits: () => places, size: 44, values: (_, ticks) => ticks.map((i) => (chart.labels[i] ?? "").slice(0, 9)) }, shares],
      series: [{ label: "Category", value: label }, ...seriesOf(chart, { then: bars(0.7, 0), now: bars(0.4, 0) })] },
    data: [places, ...sides.map((side) => chart[side])],
  };
}

function overTime(history, width) {
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const value = (_, number) => short(number);
  return {
    options: { width, height: 180, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
      axes: [axis, { ...axis, size: 60, values: (_, ticks) => ticks.map(short) }],
      series: [{ label: "Window (UTC)" },
        { label: history.label, stroke: colour("--now"), width: 2, points: { show: true, size: 6 }, value },
        { label: "Threshold", stroke: colour("--bad"), width: 2, dash: [6, 4], points: { show: false }, value }] },
    data: [history.times, history.values, history.thresholds],
  };
}

function draw(place, plot) {
  drawn.get(place)?.chart.destroy();
  const { options, data } = plot(Math.max(280, place.clientWidth));
  drawn.set(place, { chart: new uPlot(options, data, place), plot });
}

function enlarge(row, chart, button) {
  if (details.has(row)) {
    for (const place of details.get(row).querySelectorAll(".chart")) drawn.delete(place);
    details.get(row).remove();
    details.delete(row);
    button.setAttribute("aria-expanded", "false");
    return;
  }
  const cell = make("td", { colSpan: row.cells.length });
  const detail = make("tr", { className: "detail" }, cell);
  row.after(detail);
  details.set(row, detail);
  button.setAttribute("aria-expanded", "true");
  const name = row.cells[0].querySelector("bdi").textContent;
  for (const [part, plot, text] of [
    [chart, (width) => plotOf(chart, width), "Distribution"],
    [chart.history, (width) => overTime(chart.history, width), "Over the last executions"],
  ]) {
    if (!part || (part === chart && !chart.edges && !chart.labels)) continue;
    const place = make("div", { className: "chart" });
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", `${text} of ${name}; the table row has its numbers`);
    cell.append(make("p", { className: "legend", textContent: text }), place);
    draw(place, plot);
  }
}

for (const [id, chart] of Object.entries(charts)) {
  const row = document.getElementById(id);
  const button = make("button", { type: "button", className: "enlarge", textContent: "Chart" });
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-label", `Chart of ${row.cells[0].querySelector("bdi").textContent}`);
  row.cells[0].append(button);
  button.addEventListener("click", () => enlarge(row, chart, button));
}
const drawAll = () => drawn.forEach(({ plot }, place) => draw(place, plot));
for (const media of ["(prefers-color-scheme: dark)", "print"]) matchMedia(media).addEventListener("change", drawAll);
addEventListener("resize", drawAll);

// ---------------------------------------------------------------- links
function follow() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const table = target.closest("table[data-tools]");
  if (table && target.hidden) showsAll.get(table)();
  target.tabIndex = -1;
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: "center" });
}

document.querySelectorAll("table[data-tools]").forEach(prepare);
addEventListener("hashchange", follow);
follow();
