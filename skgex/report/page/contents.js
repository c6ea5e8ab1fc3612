// What rows look like: a picture, a text, or named values.

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

// A short form of the values, without those that are the same everywhere.
function valueLine(values) {
  const line = make("p", "", "text");
  varied.forEach((j, place) => {
    const start = place ? " · " : "";
    line.append(make("span", `${start}${data.columns[j]} `, "muted"), values[j]);
  });
  return line;
}

function variedColumns() {
  const rows = Object.values(data.contents);
  const all = [...(data.columns ?? []).keys()];
  const differ = all.filter((j) => rows.some((values) => values[j] !== rows[0][j]));
  return differ.length ? differ : all;
}

const varied = variedColumns();
