// What the decisions say of the flags: how many of them are right.

// Wilson's interval for a share, at 95 %.
function interval(wrong, n, z = 1.96) {
  const middle = (wrong + (z * z) / 2) / (n + z * z);
  const half = (z / (n + z * z)) * Math.sqrt((wrong * (n - wrong)) / n + (z * z) / 4);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

const isWrong = (issue) => ["relabel", "drop"].includes(decisionOf(issue)[0]);
const isDecided = (issue) => decisions.has(issue.row);
const atRandom = [...issues].sort((a, b) => a.draw - b.draw);

// Decided while the table was in random order.
const wasDrawn = (issue) => Boolean(decisionOf(issue)[2]);

// The first rows in random order speak for all flags, if that is how they were reviewed.
// Rows that the reviewer picked, such as the most suspicious ones, speak for themselves.
function precisionText() {
  const end = atRandom.findIndex((issue) => !isDecided(issue));
  const sample = end < 0 ? atRandom : atRandom.slice(0, end);
  const decided = issues.filter(isDecided);
  if (!decided.length) return "Review some rows to see how many of the flagged labels are wrong.";
  if (sample.length === issues.length) return `Of all flagged labels in this page: ${found(sample)}.`;
  if (sample.filter(wasDrawn).length >= 5) return `Of all flagged labels in this page, by ${sample.length} drawn at random: ${found(sample)}.`;
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
