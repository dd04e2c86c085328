// A line that waits stands in its section already, marked; the stored entry takes its place by its id.

const KINDS = { timeline: "tl", response: "did", next_steps: "todo", theories: "th", lessons: "les", indicators: "ioc" };

export function waitingRow(line) {
  const { id, dest, text } = Object.fromEntries(line.fields);
  const list = document.querySelector(`[data-of="${dest}"]`);
  const present = document.getElementById(`${dest}-${id}`);
  if (present?.dataset.rev || !list) return; // stored: it came by the stream
  const row = present ?? document.createElement("li");
  row.id = `${dest}-${id}`;
  row.className = `entry ${KINDS[dest] ?? ""}`;
  row.dataset.waiting = line.id;
  row.toggleAttribute("data-saving", !line.waiting);
  row.toggleAttribute("data-failed", Boolean(line.waiting));
  if (present) return;
  const words = Object.assign(document.createElement("div"), { className: "x", textContent: text });
  const body = Object.assign(document.createElement("div"), { className: "body" });
  body.append(words);
  row.append(body);
  list[list.dataset.order === "desc" ? "prepend" : "append"](row);
}
