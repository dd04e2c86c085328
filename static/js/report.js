// The report takes a few seconds: say so, count them, and let people stop it.

export function reporting(say) {
  for (const link of document.querySelectorAll("[data-report]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      build(link.href, say);
    });
  }
}

async function build(address, say) {
  const stop = new AbortController();
  const began = Date.now();
  const box = document.createElement("div");
  box.className = "said";
  const text = document.createElement("span");
  const cancel = document.createElement("button");
  cancel.className = "btn";
  cancel.textContent = "Cancel";
  cancel.addEventListener("click", () => stop.abort());
  box.append(text, cancel);
  document.getElementById("notice").replaceChildren(box);
  const tick = () => (text.textContent = `Building the report, ${Math.round((Date.now() - began) / 1000)} s`);
  tick();
  const timer = setInterval(tick, 1000);
  try {
    const answer = await fetch(address, { signal: stop.signal });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "report.pdf";
    const file = URL.createObjectURL(await answer.blob());
    const save = Object.assign(document.createElement("a"), { href: file, download: name });
    save.click();
    setTimeout(() => URL.revokeObjectURL(file), 60_000);
    say("Report saved. It carries your name and a copy number.");
  } catch {
    say(stop.signal.aborted ? "The report was cancelled." : "The report could not be built. Nothing was lost; try again.");
  } finally {
    clearInterval(timer);
  }
}
