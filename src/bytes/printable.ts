/**
 * printable: names and texts from files, fit for an error message: short, and nothing in them that a terminal would obey.
 *
 * Control characters, those that change the direction of writing, and halves of surrogate pairs are written as `\u{…}`; of a long
 * text, start and end are kept.
 *
 * Source  Unicode 16, general categories Cc, Cf, Cs, Zl, Zp; CWE-150 (escape sequences), CVE-2021-42574 (direction of writing)
 */
const longest = 120;

/** `text` in at most 120 characters that can be shown anywhere. */
export function printable(text: string): string {
  const short = text.length <= longest ? text : `${text.slice(0, longest / 2)}…${text.slice(1 - longest / 2)}`;
  // Nearly all names are of these letters; the other expression takes a millisecond to be made.
  if (/^[ -~]*$/.test(short)) return short;
  return short.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (letter) => `\\u{${letter.codePointAt(0)!.toString(16)}}`);
}
