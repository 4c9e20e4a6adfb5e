// A periodic task's form says in words when the chosen crontab runs.
(() => {
  const field = document.querySelector(".field-crontab");
  const select = document.getElementById("id_crontab");
  const texts = JSON.parse(document.getElementById("readable-crontabs")?.textContent || "{}");
  document.querySelector(".field-crontab_translation")?.classList.add("hidden");
  if (!field || !select) return;

  const words = document.createElement("p");
  words.className = "pp-hint";
  words.setAttribute("aria-live", "polite");
  (select.closest(".related-widget-wrapper")?.parentElement || field).append(words);

  const show = () => {
    words.textContent = texts[select.value] || "";
  };
  select.addEventListener("change", show);
  if (window.django?.jQuery) django.jQuery(select).on("change", show);
  show();
})();
