/** Tabs as the ARIA practices have them: one is in the tab order, arrows go from one to the next. */
export interface TabsProps<T extends string> {
  readonly tabs: readonly (readonly [value: T, text: string])[];
  readonly value: T;
  /** The id of what a tab shows. */
  readonly panelOf: (value: T) => string;
  readonly onChange: (value: T) => void;
}

const steps: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 };

export function Tabs<T extends string>({ tabs, value, panelOf, onChange }: TabsProps<T>) {
  const move = (event: KeyboardEvent) => {
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = tabs.findIndex(([own]) => own === value);
    const [next] = tabs[(at + step + tabs.length) % tabs.length]!;
    onChange(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Views" onKeyDown={move}>
      {tabs.map(([own, text]) => (
        <button
          type="button"
          role="tab"
          id={`tab-${own}`}
          aria-selected={own === value}
          aria-controls={panelOf(own)}
          tabIndex={own === value ? 0 : -1}
          onClick={() => onChange(own)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
