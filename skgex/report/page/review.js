// The review: a table of the flagged rows, and a card with one of them.
// Texts of the data come from others. They go into the page as text, never as HTML.

const jQuery = globalThis.jQuery;
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const classes = data.classes;

const issues = data.rows.map(([row, given, suggested, proba, score, std, draw], i) => ({
  i, row, given, suggested, proba, score, std, draw,
}));
const givenOf = new Map(data.shown.map((row, i) => [row, data.given[i]]));

// ---- Words ----

const labelText = (label) => (classes ? classes[label]?.text ?? "none" : label);
const percent = (share) => `${(100 * share).toFixed(share > 0.0005 && share < 0.9995 ? 1 : 0)} %`;
const rounded = (share) => `${Math.round(100 * share)} %`;
const number = (value, digits = 3) =>
  value === null ? "–" : Number(value.toPrecision(digits)).toString();

function make(tag, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

// ---- Decisions, kept by the browser ----

const KEY = `skgex-review-${data.id}`;
const decisions = load();

function load() {
  try {
    const kept = Object.entries(JSON.parse(localStorage.getItem(KEY)) ?? {});
    return new Map(kept.map(([row, made]) => [Number(row), made]).filter(isPossible));
  } catch {
    return new Map();
  }
}

function isPossible([, made]) {
  if (!Array.isArray(made)) return false;
  const [decision, label] = made;
  return decision === "relabel" ? Boolean(classes?.[label]) : ["keep", "drop"].includes(decision);
}

function save() {
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(decisions)));
  } catch {
    byId("forgetful").hidden = false;
  }
}

const decisionOf = (issue) => decisions.get(issue.row) ?? ["none"];

const decisionText = ([decision, label]) =>
  ({ none: "", relabel: `→ ${labelText(label)}` })[decision] ?? decision;

// ---- decisions.csv ----

const givenCell = (issue) => (classes ? classes[issue.given].cell : issue.given);
const quote = (cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function decisionsCsv() {
  const lines = [["row", "given_label", "decision", "new_label"]];
  for (const issue of issues) {
    const [decision, label] = decisionOf(issue);
    if (decision === "none") continue;
    const newLabel = decision === "relabel" ? classes[label].cell : "";
    lines.push([String(issue.row), givenCell(issue), decision, newLabel]);
  }
  return lines.map((line) => line.map(quote).join(",") + "\r\n").join("");
}

function exportDecisions() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([decisionsCsv()], { type: "text/csv" }));
  link.download = "decisions.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// ---- What the decisions say of the flags ----

// Wilson's interval for a share, at 95 %.
function interval(wrong, n, z = 1.96) {
  const middle = (wrong + (z * z) / 2) / (n + z * z);
  const half = (z / (n + z * z)) * Math.sqrt((wrong * (n - wrong)) / n + (z * z) / 4);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

const isWrong = (issue) => ["relabel", "drop"].includes(decisionOf(issue)[0]);
const isDecided = (issue) => decisions.has(issue.row);
const atRandom = [...issues].sort((a, b) => a.draw - b.draw);

// Rows that were drawn at random and all decided speak for all flags; rows that the
// reviewer picked speak for themselves.
function precisionText() {
  const end = atRandom.findIndex((issue) => !isDecided(issue));
  const sample = end < 0 ? atRandom : atRandom.slice(0, end);
  const decided = issues.filter(isDecided);
  if (!decided.length) return "Review some rows to see how many of the flagged labels are wrong.";
  if (sample.length === issues.length) return `All reviewed: ${found(sample)}.`;
  if (sample.length >= 5) return `Of all flagged labels, by ${sample.length} drawn at random: ${found(sample)}.`;
  return `Of those you reviewed: ${found(decided)}. For all flagged labels, review at random (see Order).`;
}

function found(sample) {
  const wrong = sample.filter(isWrong).length;
  const [low, high] = interval(wrong, sample.length).map(rounded);
  return `${wrong} of ${sample.length} wrong, ${rounded(wrong / sample.length)} (95 % interval: ${low} to ${high})`;
}

function showCounts() {
  const n = issues.filter(isDecided).length;
  byId("count").textContent = `${n.toLocaleString("en")} of ${issues.length.toLocaleString("en")} reviewed`;
  byId("done").value = n;
  byId("export").disabled = n === 0;
  byId("precision").textContent = precisionText();
}

// ---- What rows look like ----

function contentOf(row, large) {
  const content = data.contents[row];
  if (content === undefined) return make("span", "–", "muted");
  if (data.kind === "picture") return picture(row, content, large);
  if (data.kind === "text") return make("p", content, "text");
  return large ? valueList(content) : valueLine(content);
}

function picture(row, source, large) {
  const image = document.createElement("img");
  image.className = large ? "picture large" : "picture";
  image.alt = `Row ${row}`;
  image.addEventListener("load", () => {
    image.classList.toggle("tiny", image.naturalWidth <= 64);
  });
  image.src = source;
  return image;
}

function valueList(values) {
  const list = make("dl", "", "values");
  values.forEach((value, j) => {
    const entry = document.createElement("div");
    entry.append(make("dt", data.columns[j]), make("dd", value));
    list.append(entry);
  });
  return list;
}

function valueLine(values) {
  const line = make("p", "", "text");
  values.forEach((value, j) => {
    line.append(make("span", `${data.columns[j]} `, "muted"), `${value}  `);
  });
  return line;
}

// ---- The table ----

// DataTables decodes what it filters by as HTML: escaped, it becomes the text again.
const asHtml = (text) =>
  String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function searchText(issue) {
  const content = data.contents[issue.row];
  const shown = data.kind === "picture" || content === undefined ? [] : [content].flat();
  return [issue.row, data.names[issue.row] ?? "", ...shown].join(" ");
}

// A column: how a cell looks, what it is sorted by, and what it is found by.
function column(title, show, sortBy, findBy, options = {}) {
  const render = (_, kind, issue) => {
    if (kind === "display") return show(issue);
    return kind === "filter" ? asHtml(findBy(issue)) : sortBy(issue);
  };
  return { title, data: null, render, type: "num", ...options };
}

function rowCell(issue) {
  const cell = document.createElement("div");
  const button = make("button", String(issue.row), "link");
  button.type = "button";
  button.setAttribute("aria-label", `Review row ${issue.row}`);
  cell.append(button);
  const name = data.names[issue.row];
  if (name) cell.append(make("span", name, "name"));
  return cell;
}

function probaCell(issue) {
  if (issue.proba === null) return make("span", "–", "muted");
  return make("span", percent(issue.proba), "proba");
}

function decisionCell(issue) {
  const made = decisionOf(issue);
  return make("span", decisionText(made), `chip ${made[0]}`);
}

const none = () => "";
const suggests = issues.some((issue) => (classes ? issue.suggested >= 0 : issue.suggested !== "nan"));
const RANK = ["none", "keep", "relabel", "drop"];
const columns = [
  column("Row", rowCell, (issue) => issue.row, searchText, { className: "row" }),
  column("Looks like", (issue) => contentOf(issue.row, false), none, none, {
    orderable: false, visible: data.kind !== "none", className: "looks", type: "string",
  }),
  column("Given", (issue) => make("b", labelText(issue.given)), (issue) => Number(issue.given), (issue) => labelText(issue.given), { className: "label" }),
  column("Suggested", (issue) => make("b", labelText(issue.suggested)), (issue) => Number(issue.suggested), (issue) => labelText(issue.suggested), { className: "label", visible: suggests }),
  column("Wrong", probaCell, (issue) => issue.proba ?? -1, none, {
    className: "number", visible: issues.some((issue) => issue.proba !== null),
  }),
  column("Score", (issue) => make("span", number(issue.score)), (issue) => issue.score, none, { className: "number score" }),
  column("Decision", decisionCell, (issue) => RANK.indexOf(decisionOf(issue)[0]), (issue) => decisionText(decisionOf(issue)), { className: "decision" }),
  column("Random order", none, (issue) => issue.draw, none, { visible: false }),
];
const SCORE = 5;
const RANDOM = 7;

function makeTable() {
  return jQuery("#table").DataTable({
    data: issues,
    columns,
    order: [[SCORE, "desc"]],
    pageLength: 25,
    lengthMenu: [10, 25, 100],
    autoWidth: false,
    deferRender: true,
    layout: { topStart: "search", topEnd: "pageLength", bottomStart: "info", bottomEnd: "paging" },
    language: { search: "Search", lengthMenu: "_MENU_ rows a page", emptyTable: "No rows", zeroRecords: "No row fits these filters" },
    createdRow: (line, issue) => {
      line.dataset.row = issue.row;
    },
  });
}

const inOrder = () => table.rows({ order: "applied", search: "applied" }).indexes().toArray();

function addFilters() {
  const chosen = { given: "", suggested: "", decision: "" };
  const passes = {
    given: (issue) => issue.given === Number(chosen.given),
    suggested: (issue) => issue.suggested === Number(chosen.suggested),
    decision: (issue) => decisionOf(issue)[0] === chosen.decision,
  };
  for (const [name, pass] of Object.entries(passes)) {
    const select = byId(`filter-${name}`);
    if (!select) continue;
    if (name !== "decision") addClasses(select, new Set(issues.map((issue) => issue[name])));
    select.addEventListener("change", () => {
      chosen[name] = select.value;
      table.search.fixed(name, (_, issue) => chosen[name] === "" || pass(issue)).draw();
    });
  }
  if (classes) byId("suggested-filter").hidden = !suggests;
  byId("order").addEventListener("change", ({ target }) => {
    table.order(target.value === "random" ? [[RANDOM, "asc"]] : [[SCORE, "desc"]]).draw();
    goTo(inOrder()[0]);
  });
}

function addClasses(select, codes) {
  classes.forEach((each, code) => {
    if (!codes.has(code)) return;
    const option = make("option", each.text);
    option.value = code;
    select.append(option);
  });
}

// ---- The card ----

let current = 0; // position in issues

function goTo(index) {
  if (index === undefined) return;
  current = index;
  showCard(issues[index]);
  const place = inOrder().indexOf(index);
  const { length, page } = table.page.info();
  if (place >= 0 && Math.floor(place / length) !== page) {
    table.page(Math.floor(place / length)).draw("page");
  }
  markLine();
}

function markLine() {
  for (const line of document.querySelectorAll("#table tbody tr")) {
    const isCurrent = line.dataset.row === String(issues[current].row);
    if (isCurrent) line.setAttribute("aria-current", "true");
    else line.removeAttribute("aria-current");
  }
}

function showCard(issue) {
  byId("card-title").textContent = `Row ${issue.row}`;
  const name = data.names[issue.row];
  byId("card-name").textContent = name ?? "";
  byId("card-name").hidden = !name;
  byId("card-content").replaceChildren(...(data.kind === "none" ? [] : [contentOf(issue.row, true)]));
  byId("card-given").textContent = labelText(issue.given);
  byId("card-suggested").textContent = labelText(issue.suggested);
  byId("card-arrow").hidden = !suggests;
  byId("card-content").hidden = data.kind === "none";
  byId("card-proba").textContent = oddsText(issue);
  showNeighbours(issue);
  showLabels(issue);
  showDecision(issue);
}

function oddsText(issue) {
  const score = `score ${number(issue.score)}${issue.std === null ? "" : ` ± ${number(issue.std, 2)}`}`;
  return issue.proba === null ? score : `wrong with probability ${percent(issue.proba)}, ${score}`;
}

function showNeighbours(issue) {
  const sides = data.neighbours[issue.row];
  byId("neighbours").hidden = !sides;
  if (!sides) return;
  byId("title-for").textContent = `Rows that speak for “${labelText(issue.given)}”`;
  byId("title-against").textContent = `Rows that speak against “${labelText(issue.given)}”`;
  byId("for").replaceChildren(...neighbourItems(sides[0]));
  byId("against").replaceChildren(...neighbourItems(sides[1]));
}

function neighbourItems(side) {
  if (!side.length) return [make("li", "none", "muted")];
  return side.map(([row, pull]) => {
    const item = document.createElement("li");
    if (data.kind !== "none") item.append(contentOf(row, false));
    const words = make("span", "", "about");
    words.append(make("b", labelText(givenOf.get(row))));
    words.append(make("span", ` row ${row}, ${pull > 0 ? "+" : "−"}${number(Math.abs(pull))} nats`, "muted"));
    item.append(words);
    return item;
  });
}

function showLabels(issue) {
  const select = byId("new-label");
  if (!select) return;
  const others = new Set(classes.keys());
  others.delete(issue.given);
  const choose = make("option", "choose a label");
  choose.value = "";
  select.replaceChildren(choose);
  addClasses(select, others);
  const [decision, label] = decisionOf(issue);
  const wanted = decision === "relabel" ? label : issue.suggested;
  select.value = others.has(wanted) ? wanted : "";
}

function showDecision(issue) {
  const [decision] = decisionOf(issue);
  for (const name of ["keep", "relabel", "drop"]) {
    byId(name)?.setAttribute("aria-pressed", String(name === decision));
  }
  byId("undo").disabled = decision === "none";
  const order = inOrder();
  const place = order.indexOf(issue.i) + 1;
  byId("place").textContent = place ? `${place.toLocaleString("en")} of ${order.length.toLocaleString("en")}` : "";
}

// ---- Deciding ----

function decide(decision) {
  const issue = issues[current];
  if (decision === "relabel" && byId("new-label").value === "") return byId("new-label").focus();
  const next = neighbourOf(1);
  if (decision === "none") decisions.delete(issue.row);
  else decisions.set(issue.row, decision === "relabel" ? [decision, Number(byId("new-label").value)] : [decision]);
  save();
  table.row(current).invalidate().draw(false);
  const [said, label] = decisionOf(issue);
  showCounts();
  byId("status").textContent = `Row ${issue.row}: ${said === "relabel" ? `relabel as ${labelText(label)}` : said}. ${byId("count").textContent}.`;
  goTo(decision === "none" ? current : next ?? current);
}

// The row before or after the current one, as the table stands.
function neighbourOf(step) {
  const order = inOrder();
  return order[order.indexOf(current) + step];
}

const KEYS = {
  k: () => decide("keep"),
  r: () => classes && decide("relabel"),
  d: () => decide("drop"),
  u: () => decide("none"),
  j: () => goTo(neighbourOf(1)),
  ArrowRight: () => goTo(neighbourOf(1)),
  ArrowLeft: () => goTo(neighbourOf(-1)),
};

function onKey(event) {
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
  if (typing && event.key === "Escape") event.target.blur();
  if (typing || !byId("keys-on").checked) return;
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
}

function listen() {
  for (const name of ["keep", "relabel", "drop"]) {
    byId(name)?.addEventListener("click", () => decide(name));
  }
  byId("undo").addEventListener("click", () => decide("none"));
  byId("next").addEventListener("click", () => goTo(neighbourOf(1)));
  byId("previous").addEventListener("click", () => goTo(neighbourOf(-1)));
  byId("export").addEventListener("click", exportDecisions);
  document.addEventListener("keydown", onKey);
  byId("table").addEventListener("click", ({ target }) => {
    const line = target.closest("tbody tr[data-row]");
    if (line) goTo(issues.findIndex((issue) => String(issue.row) === line.dataset.row));
  });
}

const table = issues.length ? makeTable() : null;
if (table) {
  addFilters();
  listen();
  table.on("draw", () => {
    markLine();
    showDecision(issues[current]);
  });
  showCounts();
  goTo(inOrder()[0]);
}
