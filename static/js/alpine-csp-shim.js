// Lets unfold's templates run on Alpine's CSP build, which has no access to globals and no statements.
document.addEventListener("alpine:init", () => {
  const storage = {
    getItem: (key) => localStorage.getItem(key),
    setItem: (key, value) => localStorage.setItem(key, value),
  };
  const page = {
    get location() {
      return { pathname: location.pathname, search: location.search };
    },
  };

  // The <html> element's data: what unfold's expressions expect to find as globals.
  Alpine.data("theme", (mode) => {
    const data = theme(mode);
    data.localStorage = storage;
    data.window = page;
    data.sortRecords = (event) => sortRecords(event);
    data.moveRecords = (event) => moveRecords(event);
    return data;
  });

  Alpine.data("searchForm", () => searchForm());

  // Command search: opens the chosen result, or the first one when none is chosen yet.
  Alpine.data("searchCommand", () => {
    const data = searchCommand();
    let opener = null;
    const { handleOpen, handleOutsideClick, handleEscape } = data;
    data.handleOpen = function () {
      if (this.openCommandResults) return;
      opener = document.activeElement;
      handleOpen.call(this);
    };
    data.closeIfOpen = function () {
      if (this.openCommandResults) handleOutsideClick.call(this);
    };
    data.handleEscape = function () {
      handleEscape.call(this);
      if (!this.openCommandResults) opener?.focus();
    };
    data.openSelected = function (event, addHistory) {
      if (!this.items || this.items.length === 0) return;
      if (this.currentIndex === 0) this.currentIndex = 1;
      this.selectItem(addHistory, event.metaKey || event.ctrlKey);
    };
    return data;
  });

  // The <body> element's data: which tab is open, and whether the sidebar is.
  Alpine.data("shell", (tab) => ({
    activeTab: tab,
    sidebarMobileOpen: false,
    sidebarDesktopOpen: storage.getItem("sidebarDesktopOpen") !== "0",
    init() {
      this.activeTab = (tab && getCurrentTab()) || tab;
      this.$watch("sidebarDesktopOpen", (open) => storage.setItem("sidebarDesktopOpen", open ? "1" : "0"));
    },
  }));
});
