/** The colour scheme, for what is painted and so has to be painted again when it changes. */
import { useEffect, useState } from "preact/hooks";

const query = "(prefers-color-scheme: dark)";

export function useScheme(): "light" | "dark" {
  const [dark, setDark] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const change = () => setDark(list.matches);
    list.addEventListener("change", change);
    return () => list.removeEventListener("change", change);
  }, []);
  return dark ? "dark" : "light";
}
