// What was decided about each row: kept by the browser, and exported.

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

// decisions.csv

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
