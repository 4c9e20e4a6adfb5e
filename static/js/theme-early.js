// For the pages outside the admin (errors, lock-out): follow the theme chosen in it.
(() => {
  let theme = "auto";
  try {
    theme = JSON.parse(localStorage.getItem("adminTheme")) || "auto";
  } catch {
    // Storage may be closed, or hold something else: the system's theme then.
  }
  const dark = theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", dark);
})();
