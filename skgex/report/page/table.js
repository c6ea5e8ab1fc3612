// The table of the flagged rows, and what it is filtered by.

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
  column("P(wrong)", probaCell, (issue) => issue.proba ?? -1, none, {
    className: "number", visible: issues.some((issue) => issue.proba !== null),
  }),
  column("Score", (issue) => make("span", number(issue.score)), (issue) => issue.score, none, { className: "number score" }),
  column("Decision", decisionCell, (issue) => RANK.indexOf(decisionOf(issue)[0]), (issue) => decisionText(decisionOf(issue)), { className: "decision" }),
  column("Random order", none, (issue) => issue.draw, none, { visible: false }),
];
const SCORE = 5;
const RANDOM = 7;

function makeTable() {
  byId("table").classList.add(`of-${data.kind}`);
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
