// Behaviour is bound by data- attributes. All of it is convenience: without it, links and forms still work.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  document.addEventListener("click", ({ target }) => {
    all("details.menu[open]").forEach((menu) => menu.contains(target) || (menu.open = false));
    target.closest("[data-dismiss]")?.closest(".note").remove();
    const copy = target.closest("[data-copy]");
    if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => {
      copy.dataset.copied = "";
      setTimeout(() => delete copy.dataset.copied, 1500);
    });
  });
  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-choose-all]")) all("td.pick input", target.closest("table")).forEach((box) => (box.checked = target.checked));
    const chosen = target.closest("form")?.querySelector("[data-chosen]");
    if (chosen) chosen.textContent = chosen.dataset.chosen.replace("{}", all("tbody td.pick input:checked", target.form).length);
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
