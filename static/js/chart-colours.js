// Chart.js writes in the page's own text colour, also after the theme was switched (unfold redraws the charts then).
Chart.defaults.color = () => getComputedStyle(document.documentElement).getPropertyValue("--pp-soft").trim();
Chart.defaults.animation = false;
