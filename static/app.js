// Behaviour is bound by data- attributes. All of it is convenience: without it, links and forms still work.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (el) => el.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  const visible = (el) => el.checkVisibility() && !el.disabled;

  // Rows, tr[data-row]: j and k move, Enter opens the first link, x chooses. The place survives a swap of the rows.
  const rows = () => all("[data-row]").filter(visible);
  const current = () => document.querySelector("[data-row][aria-current]");
  let place = -1;
  function settle(index, focus = true) {
    const list = rows(), row = list[Math.min(list.length - 1, Math.max(0, index))];
    if (!row) return;
    list.forEach((other) => other.removeAttribute("aria-current"));
    row.setAttribute("aria-current", "true");
    row.tabIndex = -1;
    place = list.indexOf(row);
    if (focus) row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("htmx:afterSettle", () => {
    if (place >= 0 && !current()) settle(place, document.activeElement === document.body);
  });

  let going = 0; // when g was pressed: the next letter names a place
  const keys = {
    g: () => (going = Date.now()),
    "/": () => document.querySelector("[data-search]")?.focus(),
    "?": () => openKeys(),
    j: () => settle(place + 1),
    k: () => settle(place - 1),
    x: () => current()?.querySelector("input[type=checkbox]")?.click(),
  };
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (key === "Escape") {
      all("details.menu[open]").forEach((menu) => (menu.open = false));
      if (typing(target)) target.blur();
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(target) || document.querySelector("dialog[open]")) return;
    const named = (name) => all(`[data-${name}]`).find((el) => el.dataset[name] === key && (name === "go" || visible(el)));
    const act = (el) => (typing(el) ? el.focus() : el.click());
    const ofRow = () => current()?.querySelector(`[data-row-key="${CSS.escape(key)}"]`);
    const found = Date.now() - going < 1500 ? named("go") : named("key") || ofRow();
    going = 0;
    if (found) act(found);
    else if (keys[key]) keys[key]();
    else if (key === "Enter" && target === current()) target.querySelector("a[href]")?.click();
    else return;
    event.preventDefault();
  });

  // The list of keys is read from the page, so it cannot lie.
  function openKeys() {
    const make = (name, words) => Object.assign(document.createElement(name), { textContent: words });
    const line = (el, ...pressed) => {
      const term = make("dt", "");
      term.append(...pressed.map((key) => make("kbd", key)));
      return [term, make("dd", el.dataset.keyLabel || el.textContent.trim())];
    };
    document.querySelector("#keys [data-here]").replaceChildren(
      ...all("[data-key]").filter(visible).flatMap((el) => line(el, el.dataset.key)),
      ...[...new Map(all("[data-row-key]").map((el) => [el.dataset.rowKey, el]))].flatMap(([key, el]) => line(el, key)),
      ...all("[data-go]").flatMap((el) => line(el, "g", el.dataset.go)));
    document.getElementById("keys").showModal();
  }

  document.addEventListener("click", ({ target }) => {
    all("details.menu[open]").forEach((menu) => menu.contains(target) || (menu.open = false));
    if (target.closest("[data-keys]")) openKeys();
    target.closest("[data-dismiss]")?.closest(".note").remove();
    const copy = target.closest("[data-copy]");
    if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => {
      copy.dataset.copied = "";
      setTimeout(() => delete copy.dataset.copied, 1500);
    });
  });
  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-choose-all]")) all("td.pick input", target.closest("table")).forEach((box) => (box.checked = target.checked));
    if (target.closest("[data-autosubmit]") && !target.matches("[data-wait]")) target.form.requestSubmit();
  });

  // Asks before what cannot be taken back: data-confirm="Withdraw this request?" on the form, or on the button pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target, words = event.submitter?.dataset.confirm || form.dataset.confirm;
    if (!words || "confirmed" in form.dataset) return delete form.dataset.confirmed;
    event.preventDefault();
    event.stopImmediatePropagation();
    const dialog = document.getElementById("confirm");
    dialog.querySelector("[data-words]").textContent = words;
    dialog.returnValue = "";
    dialog.onclose = () => dialog.returnValue === "yes" && ((form.dataset.confirmed = ""), form.requestSubmit(event.submitter));
    dialog.showModal();
  }, true);

  // Polite polling, data-poll="30" hx-trigger="poll": not while the page is hidden, focus is inside, or a dialog is open.
  setInterval(() => all("[data-poll]").forEach((el) => {
    el.polledAt ??= Date.now();
    if (Date.now() - el.polledAt < el.dataset.poll * 1000 || document.hidden || el.matches(":focus-within") || document.querySelector("dialog[open]")) return;
    el.polledAt = Date.now();
    htmx.trigger(el, "poll");
  }), 1000);

  // A request that failed says so; the page stays as it was.
  for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"])
    document.addEventListener(failure, () => document.getElementById("messages").append(document.getElementById("request-failed").content.cloneNode(true)));

  // A chart wider than its card: the newest is at the right end.
  document.addEventListener("htmx:load", ({ target }) => all(".chart .scroll", target).forEach((box) => (box.scrollLeft = box.scrollWidth)));
})();
