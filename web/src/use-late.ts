/** Something that lasts: what is over sooner than one would notice is not shown at all. */
import { useEffect, useState } from "preact/hooks";

const noticedMilliseconds = 300;

export function useLate(running: boolean): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!running) return setLate(false);
    const timer = setTimeout(() => setLate(true), noticedMilliseconds);
    return () => clearTimeout(timer);
  }, [running]);
  return running && late;
}
