import { useEffect, useState } from "react";

type Theme = "system" | "light" | "dark";
const order: readonly Theme[] = ["system", "light", "dark"];
const key = "tapedeck.theme";

function stored(): Theme {
  const value = localStorage.getItem(key);
  return value === "light" || value === "dark" ? value : "system";
}

/** Cycles through system, light and dark; kept in this browser. */
export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(stored);
  useEffect(() => {
    if (theme === "system") {
      localStorage.removeItem(key);
      delete document.documentElement.dataset["theme"];
    } else {
      localStorage.setItem(key, theme);
      document.documentElement.dataset["theme"] = theme;
    }
    window.dispatchEvent(new Event("themechange"));
  }, [theme]);
  const next = order[(order.indexOf(theme) + 1) % order.length]!;
  return (
    <button
      type="button"
      className="quiet"
      aria-label={`Theme: ${theme}. Change to ${next}`}
      onClick={() => setTheme(next)}
    >
      {theme === "system" ? "◐" : theme === "light" ? "☀" : "☾"}
    </button>
  );
}

/** The computed value of a CSS custom property: charts draw on a canvas and need real colours. */
export function cssColor(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
