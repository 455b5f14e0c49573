// What JavaScript adds to Zahlwerk's pages: every one of them works without it.
// Elements ask for something by data attributes; nothing here knows a screen.
"use strict";

(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Fragments are parts of pages; the header tells the server to leave out the frame.
  async function fragment(href) {
    const answer = await fetch(href, { headers: { "X-Fragment": "1" }, credentials: "same-origin" });
    // A redirect leads to the log-in, which belongs into the whole window.
    if (answer.redirected || !answer.ok) throw new Error(`${href}: ${answer.status}`);
    return answer.text();
  }

  function say(text) {
    const live = $("#live");
    if (!live) return;
    live.textContent = "";
    // An unchanged live region is not read again, so the text comes a moment later.
    requestAnimationFrame(() => { live.textContent = text; });
  }

  // ---- Buttons that only work with JavaScript ----
  function reveal(root) {
    for (const e of $$("[data-copy][hidden], [data-copy-next][hidden], [data-key-hint][hidden], [data-dismiss][hidden], [data-select-all][hidden]", root)) e.hidden = false;
    for (const e of $$("[data-unfold]:not([aria-expanded])", root)) e.setAttribute("aria-expanded", "false");
    for (const e of $$("[data-row]:not([tabindex])", root)) e.tabIndex = -1;
  }

  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      say(button.dataset.copied);
      button.classList.add("done");
      const use = $("use", button);
      const href = use.getAttribute("href");
      if (href.endsWith("#copy")) {
        use.setAttribute("href", href.replace("#copy", "#check"));
        setTimeout(() => use.setAttribute("href", href), 1500);
      }
    } catch {
      say(button.dataset.copyFailed);
    }
  }

  // What a row has to copy, one after the other: another page asks for it in turn.
  function copyNext(button) {
    const all = $$("[data-copy]", button.closest("tr"));
    const at = +button.dataset.copyNext % all.length;
    button.dataset.copyNext = at + 1;
    copy(all[at]);
  }

  // ---- Dialogs ----
  function openDialog(link) {
    const dialog = document.getElementById(link.dataset.dialog);
    if (!dialog || dialog.open) return false;
    show(dialog);
    return true;
  }

  // The focus goes to what is to be filled in, else to the dialog itself, so that
  // its title is read first; never to the button that closes it.
  function show(dialog) {
    dialog.tabIndex = -1;
    dialog.showModal();
    ($("input:not([type=hidden]), select, textarea", dialog) ?? dialog).focus();
  }

  // A dialog that the server rendered open becomes a modal one.
  function adoptDialogs() {
    for (const dialog of $$("dialog[open]")) {
      dialog.close();
      show(dialog);
      const address = new URL(location);
      address.searchParams.delete("dialog");
      history.replaceState(history.state, "", address);
    }
  }

  // ---- Rows that unfold ----
  async function unfold(link) {
    const row = link.closest("[data-row]");
    if (!row || link.getAttribute("aria-expanded") === "true") return;
    link.setAttribute("aria-expanded", "true");
    try {
      const html = await fragment(link.href);
      if (link.getAttribute("aria-expanded") !== "true") return;
      const below = document.createElement("tr");
      below.className = "unfolded";
      const cell = below.insertCell();
      cell.colSpan = row.cells.length;
      const body = document.createElement("div");
      body.className = "unfolded-body";
      body.innerHTML = html;
      cell.append(body);
      row.after(below);
      reveal(below);
      watch(below);
    } catch {
      location.assign(link.href);
    }
  }

  function fold(link) {
    const row = link.closest("[data-row]");
    if (!row || link.getAttribute("aria-expanded") !== "true") return;
    link.setAttribute("aria-expanded", "false");
    const below = row.nextElementSibling;
    if (below?.classList.contains("unfolded")) {
      if (below.contains(document.activeElement)) row.focus();
      below.remove();
    }
  }

  const toggle = (link) => (link.getAttribute("aria-expanded") === "true" ? fold(link) : unfold(link));

  // ---- Ticked rows ----
  function selectAll(box) {
    for (const one of boxesOf(box)) one.checked = box.checked;
    countSelected(box);
  }

  // With Shift a click ticks, or unticks, every row since the last one.
  let lastTicked = null;

  function tickRange(box) {
    const boxes = $$("[data-row] input[type=checkbox]", scopeOf(box));
    const [from, to] = [boxes.indexOf(lastTicked), boxes.indexOf(box)].sort((a, b) => a - b);
    if (from >= 0) for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
  }

  function tick(event, box) {
    if (event.shiftKey) tickRange(box);
    lastTicked = box;
    countSelected(box);
  }

  // Whoever takes all pages takes all rows of this one.
  function tickEverything(every) {
    const all = $("[data-select-all]", scopeOf(every));
    if (all) all.checked = every.checked;
    if (all) selectAll(all);
  }

  const scopeOf = (box) => box.closest("form") ?? box.closest("table");
  const boxesOf = (all) => $$(`input[type=checkbox][name="${CSS.escape(all.dataset.selectAll)}"]`, scopeOf(all));

  function countSelected(box) {
    const scope = scopeOf(box);
    const all = $("[data-select-all]", scope);
    if (!all) return;
    const boxes = boxesOf(all);
    const n = boxes.filter((b) => b.checked).length;
    all.checked = n > 0 && n === boxes.length;
    all.indeterminate = n > 0 && n < boxes.length;
    const count = $("[data-bulk-count]", scope);
    if (!count) return;
    const every = $("[data-bulk-all]", scope);
    if (every && n < boxes.length) every.checked = false;
    count.textContent = every?.checked ? every.dataset.bulkAll : n;
    count.parentElement.hidden = n === 0;
  }

  // ---- Parts of a page that change by themselves ----
  const slowest = 30000;

  function watch(root) {
    for (const region of $$("[data-refresh][data-refresh-active]", root)) schedule(region, +region.dataset.refreshEvery || 1000);
  }

  function schedule(region, wait) {
    setTimeout(async () => {
      if (!region.isConnected) return;
      if (document.hidden || isInUse(region)) return schedule(region, wait);
      try {
        const next = new DOMParser().parseFromString(await fragment(region.dataset.refresh), "text/html").getElementById(region.id);
        if (!next || isInUse(region)) return schedule(region, wait);
        replace(region, next);
        if (region.hasAttribute("data-refresh-active")) schedule(region, +region.dataset.refreshEvery || 1000);
      } catch {
        schedule(region, Math.min(wait * 2, slowest));
      }
    }, wait);
  }

  // A person who types, marks text or has the focus in a region must not lose it.
  function isInUse(region) {
    const selection = getSelection();
    return region.contains(document.activeElement) || $("dialog[open]", region) !== null ||
      (selection && !selection.isCollapsed && region.contains(selection.anchorNode));
  }

  function replace(region, next) {
    region.toggleAttribute("data-refresh-active", next.hasAttribute("data-refresh-active"));
    const open = $$("details", region).map((d) => d.open);
    // What was unfolded stays so: new entries come on top, so count from the end.
    const old = region.innerHTML;
    region.replaceChildren(...next.childNodes);
    $$("details", region).reverse().forEach((d, i) => { d.open ||= open[open.length - 1 - i] ?? false; });
    reveal(region);
    if (region.innerHTML !== old) region.dispatchEvent(new CustomEvent("refreshed", { bubbles: true }));
  }

  // ---- Forms ----
  function guardSubmit(event) {
    const form = event.target;
    if (form.method === "dialog" || event.submitter?.formMethod === "dialog" || "again" in form.dataset) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    event.submitter?.setAttribute("aria-busy", "true");
  }

  // Coming back by the browser's history shows the page as it was left.
  function forgetSubmits() {
    for (const form of $$("form[data-sent]")) delete form.dataset.sent;
    for (const button of $$("[aria-busy]")) button.removeAttribute("aria-busy");
  }

  // What is looked up while somebody types waits for a pause.
  const typing = new WeakMap();

  function soon(element, look) {
    clearTimeout(typing.get(element));
    typing.set(element, setTimeout(() => look(element), 200));
  }

  // The carrier whose numbers look like the one that is typed stands in the empty field.
  async function recognise(field) {
    const carrier = field.form.elements[field.dataset.recognise];
    carrier.dataset.hint ??= carrier.placeholder;
    try {
      const answer = await fetch(`/dispatch/recognise?number=${encodeURIComponent(field.value)}`, { credentials: "same-origin" });
      if (answer.redirected || !answer.ok) return;
      const { carriers } = await answer.json();
      carrier.placeholder = carriers.map((c) => c.name).join(" / ") || carrier.dataset.hint;
    } catch { /* saving recognises it all the same */ }
  }

  // A form that is asked for a preview shows what would become of what is typed.
  async function preview(form) {
    const data = new URLSearchParams(new FormData(form));
    data.set("preview", "1");
    try {
      const answer = await fetch(form.action, { method: "POST", body: data, headers: { "X-Fragment": "1" }, credentials: "same-origin" });
      if (answer.redirected || !answer.ok) return;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(form.dataset.preview);
      if (next) document.getElementById(form.dataset.preview).replaceChildren(...next.childNodes);
    } catch { /* the button below asks for it, too */ }
  }

  async function switchTheme(event) {
    const button = event.submitter;
    if (!button || !("themeSwitch" in event.target.dataset)) return;
    event.preventDefault();
    const root = document.documentElement;
    if (button.value) root.dataset.theme = button.value;
    else delete root.dataset.theme;
    for (const b of $$("button", event.target)) b.setAttribute("aria-pressed", String(b === button));
    const data = new URLSearchParams(new FormData(event.target, button));
    await fetch(event.target.action, { method: "POST", body: data, credentials: "same-origin", redirect: "manual" });
  }

  function focusFirst() {
    const target = $("[aria-invalid=true]") ?? $(".error-summary") ?? $("[data-autofocus]");
    target?.focus();
    if (target?.select && target.matches("[data-autofocus]")) target.select();
  }

  // A scanner ends with Enter; in a row of fields that means the next one.
  function focusNext(field) {
    const fields = $$("input:not([type=hidden]), select, textarea, button[type=submit]", field.form);
    fields[fields.indexOf(field) + 1]?.focus();
  }

  // Two short tones for yes, a low long one for no: to be told apart with the
  // back to the screen.
  function play(kind) {
    const tones = kind === "ok" ? [[880, 0, 0.09], [1320, 0.11, 0.12]] : [[196, 0, 0.45]];
    const audio = new AudioContext();
    const start = () => {
      if (audio.state !== "running") return; // the browser wants a key press on this site first
      audio.onstatechange = null;
      for (const [pitch, at, length] of tones) {
        const tone = new OscillatorNode(audio, { frequency: pitch, type: kind === "ok" ? "sine" : "square" });
        tone.connect(new GainNode(audio, { gain: 0.2 })).connect(audio.destination);
        tone.start(audio.currentTime + at);
        tone.stop(audio.currentTime + at + length);
      }
    };
    audio.onstatechange = start;
    start();
  }

  // ---- Keyboard ----
  const isTyping = (e) => e.matches?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");

  function moveRow(step) {
    const rows = $$("[data-row]");
    const at = rows.indexOf(document.activeElement.closest("[data-row]"));
    const next = rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + step))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  // What comes next: the page of a list, or the order after this one.
  function turnPage(rel) {
    $(`main a[rel=${rel}]`)?.click();
  }

  function rowKey(key, row) {
    const link = $("[data-unfold]", row);
    const box = $("input[type=checkbox]", row);
    if (key === "x" && box) box.click();
    else if (key === "c" && $("[data-copy-next]", row)) copyNext($("[data-copy-next]", row));
    else if (link && (key === "Enter" || key === "ArrowRight")) unfold(link);
    else if (link && (key === "Escape" || key === "ArrowLeft")) fold(link);
    else return false;
    return true;
  }

  // Function keys work from within a field, too: hands stay on the scanner.
  function pressKey(event) {
    const named = $(`[data-key="${event.key}"]`, $("dialog[open]") ?? document);
    if (!named) return;
    event.preventDefault();
    named.click();
  }

  function onKey(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (key === "Escape") closeMenus();
    if (key === "Enter" && target.matches("[data-focus-next]") && target.value) {
      event.preventDefault();
      return focusNext(target);
    }
    if (/^F\d+$/.test(key)) return pressKey(event);
    if ($("dialog[open]")) return;
    if (isTyping(target)) { // Esc leaves the field, so that the keys below work again
      if (key === "Escape") target.blur();
      return;
    }
    const row = target.closest("[data-row]");
    // Enter on a link or button of the row is theirs, except on the arrow itself.
    const onControl = key === "Enter" && target !== row;
    if (key === "/") $("[data-search]")?.focus();
    else if (key === "?") $("[data-dialog=help]")?.click();
    else if (key === "j") moveRow(1);
    else if (key === "k") moveRow(-1);
    else if (key === "n" || key === "p") turnPage(key === "n" ? "next" : "prev");
    else if (!row || onControl || !rowKey(key, row)) return foldAround(key, target);
    event.preventDefault();
  }

  // Esc inside an unfolded row folds it.
  function foldAround(key, target) {
    const row = key === "Escape" && target.closest(".unfolded")?.previousElementSibling;
    if (row) fold($("[data-unfold]", row));
  }

  function closeMenus(except) {
    for (const menu of $$("details[data-menu][open]")) if (menu !== except) menu.open = false;
  }

  // ---- Wiring ----
  function onClick(event) {
    const on = (selector) => event.target.closest(selector);
    closeMenus(on("details[data-menu]"));
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
    let e;
    if ((e = on("[data-copy]"))) copy(e);
    else if ((e = on("[data-copy-next]"))) copyNext(e);
    else if (on(".hall a[target=_blank]")) $("[data-autofocus]")?.focus(); // the scan goes on here
    else if ((e = on("[data-dismiss]"))) e.closest("[data-flash]").remove();
    else if ((e = on("[data-select-all]"))) selectAll(e);
    else if ((e = on("[data-row] input[type=checkbox]"))) tick(event, e);
    else if ((e = on("[data-bulk-all]"))) tickEverything(e);
    else if (plain && (e = on("[data-dialog]"))) openDialog(e) && event.preventDefault();
    else if (plain && (e = on("[data-unfold]"))) { event.preventDefault(); toggle(e); }
  }

  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("submit", guardSubmit);
  document.addEventListener("submit", switchTheme);
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-submit-on-change]");
    if (form) form.requestSubmit();
  });
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-preview]");
    if (form) soon(form, preview);
    if (event.target.matches("[data-recognise]")) soon(event.target, recognise);
  });
  addEventListener("pageshow", forgetSubmits);

  reveal(document);
  adoptDialogs();
  focusFirst();
  watch(document);
  for (const box of $$("[data-select-all]")) countSelected(box);
  const verdict = $("[data-sound]");
  if (verdict) play(verdict.dataset.sound);
})();
