// The card: one row, what speaks for and against its label, and the decision.

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
    const words = make(data.kind === "values" ? "summary" : "span", "", "about");
    words.append(make("b", labelText(givenOf.get(row))));
    words.append(make("span", ` row ${row}, ${pull > 0 ? "+" : "−"}${Math.abs(pull).toFixed(2)}`, "muted"));
    if (data.kind === "values") item.append(comparison(row, words));
    else if (data.kind === "none") item.append(words);
    else item.append(contentOf(row, false), words);
    return item;
  });
}

// The values of a neighbour, shown on demand; those that the row shares are pale.
function comparison(row, words) {
  const details = document.createElement("details");
  details.append(words, contentOf(row, true));
  const shared = data.contents[issues[current].row] ?? [];
  details.querySelectorAll("dd").forEach((cell, j) => {
    cell.classList.toggle("same", cell.textContent === shared[j]);
  });
  return details;
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
