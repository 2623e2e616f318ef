// Behaviour is bound by data- attributes. Everything here is a convenience: without it, links and forms still work.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (el) => el.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  const visible = (el) => el.checkVisibility() && !el.disabled;

  // Rows: tr[data-row] (or li[data-row]). j and k move, Enter opens the first link, x chooses.
  const rows = () => all("[data-row]").filter(visible);
  const current = () => rows().find((row) => row.hasAttribute("aria-current"));
  function move(step) {
    const list = rows();
    const next = list[Math.min(list.length - 1, Math.max(0, list.indexOf(current()) + step))];
    if (next) settle(next);
  }
  function settle(row) {
    rows().forEach((other) => other.removeAttribute("aria-current"));
    row.setAttribute("aria-current", "true");
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  let going = 0; // when g was pressed: the next letter names a place
  function press(event) {
    const key = event.key;
    if (going && Date.now() - going < 1500) {
      going = 0;
      return all("[data-go]").find((el) => el.dataset.go === key)?.click() ?? true;
    }
    if (key === "g") return (going = Date.now());
    if (key === "/") return document.querySelector("[data-search]")?.focus() ?? true;
    if (key === "?") return openKeys();
    if (key === "j") return move(1) ?? true;
    if (key === "k") return move(-1) ?? true;
    if (key === "x") return current()?.querySelector("input[type=checkbox]")?.click() ?? true;
    if (key === "Enter" && document.activeElement === current()) return current().querySelector("a[href]")?.click() ?? true;
    const target = all("[data-key]").find((el) => el.dataset.key === key && visible(el));
    return target && (target.matches("input, select, textarea") ? target.focus() : target.click(), true);
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      all("details.menu[open]").forEach((menu) => (menu.open = false));
      if (typing(event.target)) event.target.blur();
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    if (press(event)) event.preventDefault();
  });

  // The list of keys is read from the page, so it cannot lie.
  function openKeys() {
    const dialog = document.getElementById("keys");
    const line = (keys, words) => {
      const term = document.createElement("dt"), text = document.createElement("dd");
      keys.forEach((key) => term.append(Object.assign(document.createElement("kbd"), { textContent: key }), " "));
      text.textContent = words;
      return [term, text];
    };
    const words = (el) => el.dataset.keyLabel || el.textContent.replace(/\s+\d[\d,+]*\s*$/, "").trim();
    dialog.querySelector("[data-here]").replaceChildren(
      ...all("[data-key]").filter(visible).flatMap((el) => line([el.dataset.key], words(el))),
      ...all("[data-go]").flatMap((el) => line(["g", el.dataset.go], words(el))));
    dialog.showModal();
    return true;
  }

  document.addEventListener("click", (event) => {
    const target = event.target;
    all("details.menu[open]").forEach((menu) => menu.contains(target) || (menu.open = false));
    if (target.closest("[data-keys]")) openKeys();
    target.closest("[data-dismiss]")?.closest(".note")?.remove();
    const copy = target.closest("[data-copy]");
    if (copy) navigator.clipboard?.writeText(copy.dataset.copy || copy.textContent.trim()).then(() => {
      copy.dataset.copied = "";
      setTimeout(() => delete copy.dataset.copied, 1500);
    });
  });
  document.addEventListener("change", (event) => {
    const { target } = event;
    if (target.matches("[data-choose-all]"))
      all("td.pick input", target.closest("table")).forEach((box) => (box.checked = target.checked));
    if (target.closest("[data-autosubmit]") && !target.matches("[data-wait]")) target.form.requestSubmit();
  });

  // Ask before what cannot be taken back: <form data-confirm="Withdraw this request?">. Answers in a dialog of ours.
  document.addEventListener("submit", (event) => {
    const form = event.target, words = event.submitter?.dataset.confirm || form.dataset.confirm;
    if (!words || form.dataset.confirmed) return delete form.dataset.confirmed;
    event.preventDefault();
    event.stopImmediatePropagation();
    const dialog = document.getElementById("confirm");
    dialog.querySelector("[data-words]").textContent = words;
    dialog.returnValue = "";
    dialog.onclose = () => {
      if (dialog.returnValue !== "yes") return;
      form.dataset.confirmed = "";
      form.requestSubmit(event.submitter);
    };
    dialog.showModal();
  }, true);

  // Polite polling: <div data-poll="30" hx-get="…" hx-trigger="poll">. Not while hidden, being read by keyboard, or in a dialog.
  setInterval(() => all("[data-poll]").forEach((el) => {
    if (document.hidden || el.matches(":focus-within") || document.querySelector("dialog[open]")) return;
    if (Date.now() - (el.polledAt ?? (el.polledAt = Date.now())) < el.dataset.poll * 1000) return;
    el.polledAt = Date.now();
    htmx.trigger(el, "poll");
  }), 1000);

  // A request that failed says so; the page stays as it was.
  ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach((name) => document.addEventListener(name, () => {
    const words = document.getElementById("request-failed");
    document.getElementById("messages").append(words.content.cloneNode(true));
  }));
})();
