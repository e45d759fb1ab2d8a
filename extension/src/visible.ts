/** Controls but tab and line feed: what a terminal or an editor would obey. */
const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g;
/** Bidi marks, zero-width and invisible characters, as in the package's own `visible`. */
const HIDDEN =
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\u{e0000}-\u{e0fff}\ud800-\udfff]/gu;

/** A text of a model or a server with nothing hidden in it; what shows it takes no markup. */
export function visible(text: unknown): string {
  const code = (character: string) => character.codePointAt(0)!.toString(16);
  return String(text)
    .replace(CONTROL, character => `\\x${code(character).padStart(2, '0')}`)
    .replace(HIDDEN, character => `\\u${code(character).padStart(4, '0')}`);
}
