// The data of the page, and how they are put in words.
// Texts of the data come from others. They go into the page as text, never as HTML.

const jQuery = globalThis.jQuery;
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const classes = data.classes;

const issues = data.rows.map(([row, given, suggested, proba, score, std, draw], i) => ({
  i, row, given, suggested, proba, score, std, draw,
}));
const givenOf = new Map(data.shown.map((row, i) => [row, data.given[i]]));

const labelText = (label) => (classes ? classes[label]?.text ?? "none" : label);
const percent = (share) => `${(100 * share).toFixed(share > 0.0005 && share < 0.9995 ? 1 : 0)} %`;
const rounded = (share) => `${Math.round(100 * share)} %`;
const isPlain = (size) => size >= 1e-4 && size < 1e3;
const number = (value, digits = 3) => {
  if (value === null) return "–";
  return isPlain(Math.abs(value)) ? value.toPrecision(digits) : String(Number(value.toPrecision(digits)));
};

function make(tag, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}
