/** A choice of a few, all of them in sight: radio buttons in the shape of a switch. */
export interface SegmentsProps<T extends string> {
  readonly label: string;
  readonly name: string;
  readonly value: T;
  readonly choices: readonly (readonly [value: T, text: string])[];
  readonly onChange: (value: T) => void;
}

export function Segments<T extends string>({ label, name, value, choices, onChange }: SegmentsProps<T>) {
  return (
    <fieldset class="segments">
      <legend>{label}</legend>
      <div class="segments-row">
        {choices.map(([own, text]) => (
          <label>
            <input type="radio" name={name} value={own} checked={own === value} onChange={() => onChange(own)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
