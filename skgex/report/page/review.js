// The review: decisions by button and key, and the start of it all.

function decide(decision) {
  const issue = issues[current];
  if (decision === "relabel" && byId("new-label").value === "") return byId("new-label").focus();
  const next = neighbourOf(1);
  if (decision === "none") decisions.delete(issue.row);
  else {
    const label = decision === "relabel" ? Number(byId("new-label").value) : null;
    decisions.set(issue.row, [decision, label, byId("order").value === "random"]);
  }
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
  if (event.target.id === "new-label" && event.key === "Enter") {
    event.preventDefault();
    event.target.blur();
    decide("relabel");
  }
  if (typing || !byId("keys-on").checked) return;
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
}

const isNarrow = matchMedia("(max-width: 940px)"); // the card is above the table

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
    if (!line) return;
    goTo(issues.findIndex((issue) => String(issue.row) === line.dataset.row));
    if (isNarrow.matches) document.querySelector(".card").scrollIntoView();
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
