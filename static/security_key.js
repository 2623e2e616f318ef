// A form with data-security-key: sent without a password or code, the key is asked first, and its answer goes along.
(() => {
  "use strict";
  const answer = (form) => form.querySelector("[data-key-answer]");
  const word = (form) => form.querySelector("input[type=password]");

  async function ask(form) {
    const said = await fetch(form.dataset.securityKey, { headers: { Accept: "application/json" } });
    if (!said.ok) throw new Error("the console did not say what to ask the key");
    return JSON.stringify(await window.webauthnJSON.get((await said.json()).request_options));
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.securityKey || !window.PublicKeyCredential || word(form).value || answer(form).value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    try {
      answer(form).value = await ask(form);
    } catch {
      word(form).focus(); // turned down, or no key at hand: there is the password
      return;
    }
    form.requestSubmit(event.submitter);
  }, true);
})();
