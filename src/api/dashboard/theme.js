// Runs before the page is drawn, so that it is never drawn in the wrong colours first.
"use strict";
try {
  const chosen = localStorage.getItem("weir.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Without storage the system's choice holds.
}
