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

function valueLine(values) {
  const line = make("p", "", "text");
  values.forEach((value, j) => {
    const end = j + 1 < values.length ? " · " : "";
    line.append(make("span", `${data.columns[j]} `, "muted"), value + end);
  });
  return line;
}
