// Keyboard and screen-reader repairs for unfold's templates: what can be clicked can be reached, named and left again.
(() => {
  "use strict";

  const CLICKABLE = "[x-on\\:click], :is([hx-get], [hx-post]):not(input, form, [hx-trigger])";
  const NATIVE = "a[href], button, input, select, textarea, summary, [tabindex]";
  const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]):not([type=hidden]), select:not([disabled]), "
    + "textarea:not([disabled]), [tabindex]:not([tabindex='-1'])";

  // What an icon without words means, by a piece of its click expression.
  const NAMES = [
    ["openUserLinks", "Account menu"],
    ["sidebarMobileOpen", "Close menu"],
    ["openActionsId", "Row actions"],
    ["openDropdownId", "More"],
    ["rowOpen", "Expand row"],
    ["filterOpen = true", "Open filters"],
    ["filterOpen = false", "Close filters"],
    ["openRelatedWidgetWrapper", "Related record actions"],
    ["actionDropdownOpen", "More actions"],
    ["showActions", "Page actions"],
    ["openTabsDropdown", "More tabs"],
    ["openModal = false", "Close"],
    ["openTheme", "Theme"],
    ["showPassword", "Show or hide the password"],
  ];

  const isIcon = (element) => element.classList.contains("material-symbols-outlined");
  const isVisible = (element) => Boolean(element) && element.checkVisibility({ visibilityProperty: true });

  function ownWords(element) {
    if (isIcon(element)) return "";
    const copy = element.cloneNode(true);
    copy.querySelectorAll(".material-symbols-outlined, [aria-hidden=true]").forEach((icon) => icon.remove());
    return copy.textContent.trim();
  }

  // The element that takes the focus for something clickable. Headings and cells keep their role: a part of them acts.
  function controlOf(element) {
    if (element.matches("h2, h3")) {
      const strong = element.querySelector("strong");
      if (strong) return strong;
      if (!element.querySelector(":scope > .pp-heading-button")) {
        const button = document.createElement("span");
        button.className = "pp-heading-button";
        button.append(...element.childNodes);
        element.append(button);
      }
      return element.firstElementChild;
    }
    if (element.matches("td")) return element.querySelector(".material-symbols-outlined");
    return element;
  }

  function makeReachable(element) {
    if (element.dataset.a11y) return;
    element.dataset.a11y = "seen";
    const control = controlOf(element);
    if (!control) return;
    const expression = element.getAttribute("x-on:click") || "";
    if (!control.matches(NATIVE)) {
      control.tabIndex = 0;
      control.setAttribute("role", "button");
      control.dataset.a11y = "control";
    } else if (control.matches("a[href='#']")) {
      control.setAttribute("role", "button");
      control.dataset.a11y = "control";
    }
    const name = NAMES.find(([part]) => expression.includes(part));
    if (name && !control.hasAttribute("aria-label") && !ownWords(control)) control.setAttribute("aria-label", name[1]);
    const toggle = expression.match(/^\s*(\w+) = !\s*\1\s*;?\s*$/);
    if (toggle) followState(control, toggle[1]);
  }

  // Keeps aria-expanded equal to the Alpine state that the control toggles.
  function followState(control, state) {
    control.dataset.toggles = state;
    const follow = () => Alpine.effect(() => {
      try {
        control.setAttribute("aria-expanded", String(Boolean(Alpine.evaluate(control, state))));
      } catch {
        control.removeAttribute("aria-expanded");
      }
    });
    if (started) setTimeout(follow);
    else waiting.push(follow);
  }

  let started = false;
  const waiting = [];
  document.addEventListener("alpine:initialized", () => {
    started = true;
    waiting.forEach((follow) => follow());
  });

  // The menu a toggle opens; teleported menus hang at the end of <body>.
  function menuOf(control) {
    const root = control.closest("[x-data]");
    if (control.dataset.toggles === "sidebarMobileOpen") return document.getElementById("nav-sidebar");
    if (!root || root === document.body) return null;
    return root.querySelector("nav[x-show]") || root.querySelector("template[x-teleport]")?._x_teleport || null;
  }

  function nameIcons(root) {
    root.querySelectorAll(".material-symbols-outlined:not([aria-hidden]):not([data-a11y]):not(a):not(button)")
      .forEach((icon) => icon.setAttribute("aria-hidden", "true"));
    root.querySelectorAll("a[href]:not([aria-label]), button:not([aria-label])").forEach((element) => {
      if (ownWords(element) || element.title || element.querySelector("img[alt]:not([alt=''])")) return;
      let name = "Open";
      if (element.id === "searchbar-submit") name = "Search";
      else if (element.closest("th")) name = "Sort";
      else if (element.href?.endsWith("/add/")) name = "Add";
      else if (element.closest("#nav-sidebar")) name = "Home";
      else if (element.classList.contains("related-lookup")) name = "Look up";
      else if (element.closest(".inline-deletelink, .delete-template")) name = "Remove";
      element.setAttribute("aria-label", name);
    });
  }

  function nameFields(root) {
    root.querySelectorAll("td[data-label] :is(input, select, textarea):not([type=hidden]):not([aria-label])")
      .forEach((field) => {
        if (!field.labels?.length) field.setAttribute("aria-label", field.closest("td[data-label]").dataset.label);
      });
    root.querySelectorAll("form [class*='field-'] :is(input, select):not([type=hidden]):not([aria-label])").forEach((field) => {
      const label = field.closest("[class*='field-']").querySelector("label, legend")?.textContent.replace("*", "").trim();
      const half = { 0: " from", 1: " to" }[field.name.match(/_([01])$/)?.[1]] || "";
      if (label && !field.labels?.length && !field.title) field.setAttribute("aria-label", label + half);
    });
    root.querySelectorAll("#changelist-filter :is(input, select):not([type=hidden]):not([aria-label])").forEach((field) => {
      if (!field.labels?.length) field.setAttribute("aria-label", field.placeholder || headingBefore(field) || field.name);
    });
    root.querySelectorAll("#searchbar:not([aria-label])").forEach((field) => field.setAttribute("aria-label", "Search"));
    root.querySelectorAll("span.select2-selection").forEach((box) => {
      const field = box.closest(".select2")?.previousElementSibling;
      const label = field?.labels?.[0]?.textContent || field?.getAttribute("aria-label") || headingBefore(box);
      if (!label || box.getAttribute("aria-label") === label.trim()) return;
      box.removeAttribute("aria-labelledby");
      box.setAttribute("aria-label", label.trim());
      box.querySelector("[role=textbox]")?.setAttribute("aria-label", label.trim());
    });
    root.querySelectorAll("input.select2-search__field:not([aria-label])")
      .forEach((field) => field.setAttribute("aria-label", "Search the list"));
    root.querySelectorAll(".help-tooltip:not([role])").forEach((tip) => tip.setAttribute("role", "img"));
  }

  function headingBefore(element) {
    for (let node = element; node && node.id !== "changelist-filter"; node = node.parentElement) {
      const heading = node.querySelector(":scope > h3, :scope > label, :scope > * > label");
      if (heading) return heading.textContent.trim();
    }
    return "";
  }

  function nameRegions(root) {
    const main = document.getElementById("content");
    if (main && !document.querySelector("main, [role=main]")) {
      main.setAttribute("role", "main");
      main.tabIndex = -1;
    }
    root.querySelectorAll("nav:not([aria-label])").forEach((nav) => {
      nav.setAttribute("aria-label", nav.id === "nav-sidebar-inner" ? "Main" : nav.id === "tabs-items" ? "Tabs" : "Menu");
    });
    root.querySelectorAll(".pp-table-wrap:not([tabindex])").forEach((wrap) => {
      if (wrap.scrollWidth <= wrap.clientWidth) return;
      wrap.tabIndex = 0;
      wrap.setAttribute("role", "region");
      wrap.setAttribute("aria-label", wrap.closest("[aria-label]")?.getAttribute("aria-label") || "Table");
    });
    const filters = document.getElementById("changelist-filter");
    if (filters && getComputedStyle(filters).position === "fixed") {
      asDialog(filters, "Filters");
      addSheetHead(filters);
    }
    const modal = document.getElementById("modal-content");
    if (modal) asDialog(modal, modal.querySelector("h1")?.textContent.trim() || "Dialog");
  }

  // unfold's filter sheet closes by a click beside it: it gets a title and a button that does that click.
  function addSheetHead(filters) {
    const sheet = filters.querySelector("#changelist-filter-close + div");
    if (!sheet || sheet.querySelector(".pp-sheet-head")) return;
    const head = document.createElement("div");
    head.className = "pp-sheet-head";
    const title = document.createElement("h2");
    title.textContent = "Filters";
    const close = document.createElement("button");
    close.type = "button";
    close.className = "pp-icon-button";
    close.setAttribute("aria-label", "Close filters");
    close.innerHTML = '<span class="material-symbols-outlined" aria-hidden="true">close</span>';
    close.addEventListener("click", () => document.getElementById("changelist-filter-close").click());
    head.append(title, close);
    sheet.prepend(head);
  }

  function asDialog(element, name) {
    element.setAttribute("role", "dialog");
    element.setAttribute("aria-modal", "true");
    element.setAttribute("aria-label", name);
    element.dataset.trapFocus = "";
  }

  function repair(root) {
    root.querySelectorAll(CLICKABLE).forEach(makeReachable);
    nameIcons(root);
    nameFields(root);
    nameRegions(root);
  }

  const firstIn = (container) => [...container.querySelectorAll(FOCUSABLE)].find(isVisible);

  // Enter and Space do what a click does, and the focus follows into a menu that opened.
  function press(event) {
    const control = event.target.closest("[data-a11y=control], button[data-toggles]");
    if (!control || control !== event.target) return;
    event.preventDefault();
    control.click();
    if (!control.dataset.toggles) return;
    setTimeout(() => {
      const menu = menuOf(control);
      if (!isVisible(menu)) return;
      opened = { control, menu };
      firstIn(menu)?.focus();
    }, 50);
  }

  let opened = null;

  function leave() {
    const menuHasFocus = opened && opened.menu.contains(document.activeElement);
    if (!menuHasFocus) return;
    const { control } = opened;
    opened = null;
    if (control.getAttribute("aria-expanded") === "true") control.click();
    control.focus();
  }

  function keepInside(event) {
    const dialog = [...document.querySelectorAll("[data-trap-focus]")].reverse().find(isVisible);
    if (!dialog) return;
    const stops = [...dialog.querySelectorAll(FOCUSABLE)].filter(isVisible);
    if (!stops.length) return;
    const last = stops[stops.length - 1];
    const outside = !dialog.contains(document.activeElement);
    if (event.shiftKey && (outside || document.activeElement === stops[0])) {
      event.preventDefault();
      last.focus();
    } else if (!event.shiftKey && (outside || document.activeElement === last)) {
      event.preventDefault();
      stops[0].focus();
    }
  }

  // On a phone the head of a column stands in each row: as a sentence begins, and not Each Word Of It (portal.css).
  function capitalise() {
    document.querySelectorAll("#result_list [data-label]").forEach((cell) => {
      cell.dataset.label = cell.dataset.label.charAt(0).toUpperCase() + cell.dataset.label.slice(1);
    });
  }

  // A sheet or dialog takes the focus when it appears and gives it back when it goes.
  let before = null;
  function watchDialogs() {
    const shown = [...document.querySelectorAll("[data-trap-focus]")].some(isVisible);
    if (shown && !before) {
      before = document.activeElement || document.body;
      const dialog = [...document.querySelectorAll("[data-trap-focus]")].reverse().find(isVisible);
      if (!dialog.contains(document.activeElement)) {
        const field = [...dialog.querySelectorAll("input:not([type=hidden]), select, textarea")].find(isVisible);
        (field || firstIn(dialog))?.focus();
      }
    } else if (!shown && before) {
      before.focus?.();
      before = null;
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") press(event);
    else if (event.key === "Escape") leave();
    else if (event.key === "Tab") keepInside(event);
  });

  document.addEventListener("alpine:init", () => repair(document));
  document.addEventListener("DOMContentLoaded", () => {
    repair(document);
    capitalise();
    let due = false;
    new MutationObserver((records) => {
      if (records.some((record) => record.type === "childList" && record.addedNodes.length)) due = true;
      setTimeout(() => {
        if (due) {
          due = false;
          repair(document);
        }
        watchDialogs();
      });
      document.querySelectorAll("[role=combobox][aria-owns]").forEach((box) => {
        box.setAttribute("aria-controls", box.getAttribute("aria-owns"));
      });
    }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["style"] });
  });
})();
