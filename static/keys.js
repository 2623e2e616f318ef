// The keyboard: rows are walked, data-key presses a button, g and a letter go to a place. ? lists what there is.
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
    else if (key === "Enter" && [current(), document.body].includes(target)) current()?.querySelector("a[href]")?.click();
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
    const once = (el, index, list) => list.findIndex((other) => other.dataset.key === el.dataset.key) === index;
    document.querySelector("#keys [data-here]").replaceChildren(
      ...all("[data-key]").filter(visible).filter(once).flatMap((el) => line(el, el.dataset.key)),
      ...[...new Map(all("[data-row-key]").map((el) => [el.dataset.rowKey, el]))].flatMap(([key, el]) => line(el, key)),
      ...all("[data-go]").flatMap((el) => line(el, "g", el.dataset.go)));
    document.getElementById("keys").showModal();
  }
  document.addEventListener("click", ({ target }) => target.closest("[data-keys]") && openKeys());
})();
