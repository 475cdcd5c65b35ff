/* Before anything is drawn: dark or light by `?theme=`, for a screen that has no wish of its own, else by the system. */
const wish = new URLSearchParams(location.search).get("theme");
const system = matchMedia("(prefers-color-scheme: dark)");

function paint() {
  const isWish = wish === "dark" || wish === "light";
  document.documentElement.dataset.theme = isWish ? wish : system.matches ? "dark" : "light";
}

system.addEventListener("change", paint);
paint();
