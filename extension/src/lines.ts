/** The first line of a prompt cell, read and written as text; nothing here knows a notebook. */

/** A cell of ours: its magic with `%%`, its whole first line, and the prompt below. */
export interface IPromptCell {
  magic: string;
  line: string;
  prompt: string;
}

const MAGIC = /^\s*(%%(?:orch|orch_select|orch_pipeline))(?=\s|$)/;

/** What a cell of `source` asks, or null if it is no cell of ours. */
export function readCell(source: string): IPromptCell | null {
  const magic = MAGIC.exec(source)?.[1];
  if (magic === undefined) {
    return null;
  }
  const { line, below } = divide(source);
  return { magic, line: line.trim(), prompt: below };
}

/** The cell as `%%orch`; the plain cell if it is one already. A command of the line goes with it. */
export function toggle(source: string): string {
  return readCell(source) === null ? `%%orch\n${source}` : divide(source).below;
}

/** The value that the first line gives to an option, or null. */
export function getOption(source: string, flags: readonly string[]): string | null {
  const { line } = divide(source);
  const found = readOptions(line).find(option => flags.includes(option.flag));
  return found === undefined ? null : found.value;
}

/**
 * The cell with `flags[0] value` in its first line, and no other spelling of that option.
 *
 * A cell that is not ours becomes `%%orch`; null takes the option out.
 */
export function setOption(source: string, flags: readonly string[], value: string | null): string {
  if (readCell(source) === null) {
    if (value === null) {
      return source;
    }
    source = toggle(source);
  }
  const { line, below, lineEnd } = divide(source);
  let written = line;
  for (const option of readOptions(line).reverse()) {
    if (flags.includes(option.flag)) {
      written = written.slice(0, option.start).trimEnd() + written.slice(option.end);
    }
  }
  if (value !== null) {
    const end = MAGIC.exec(written)?.[0].length ?? 0;
    written = `${written.slice(0, end)} ${flags[0]} ${quote(value)}${written.slice(end)}`;
  }
  return written + lineEnd + below;
}

interface IOption {
  flag: string;
  value: string;
  start: number;
  end: number;
}

/** A word as the package's parser splits them: quotes in either style, backslashes outside. */
const WORD = /(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/g;

/**
 * The options at the start of a line, up to a `--` or the second word in a row that is none.
 *
 * Which options take a value only the kernel knows; a word behind one is taken for its value.
 */
function readOptions(line: string): IOption[] {
  const words = [...line.matchAll(WORD)].map(match => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length
  }));
  const options: IOption[] = [];
  let at = 1;
  while (at < words.length && words[at].text.startsWith('-') && words[at].text !== '--') {
    const { text, start, end } = words[at];
    const equals = text.indexOf('=');
    const next = words.at(at + 1);
    if (equals > 0) {
      options.push({
        flag: text.slice(0, equals),
        value: bare(text.slice(equals + 1)),
        start,
        end
      });
      at += 1;
    } else if (next === undefined || next.text.startsWith('-')) {
      options.push({ flag: text, value: '', start, end });
      at += 1;
    } else {
      options.push({ flag: text, value: bare(next.text), start, end: next.end });
      at += 2;
    }
  }
  return options;
}

/** The first line that is not empty, with what stands before it, and what stands below. */
function divide(source: string): { line: string; lineEnd: string; below: string } {
  const from = source.length - source.trimStart().length;
  const at = source.indexOf('\n', from);
  return at < 0
    ? { line: source, lineEnd: '', below: '' }
    : { line: source.slice(0, at), lineEnd: '\n', below: source.slice(at + 1) };
}

function quote(value: string): string {
  const word = value.replace(/[\r\n]+/g, ' ');
  return /^[\w:./@+,=-]+$/.test(word) ? word : `"${word.replace(/(["\\])/g, '\\$1')}"`;
}

/** A word without its quotes, and without the backslashes that stand for what follows them. */
function bare(word: string): string {
  return word.replace(/"(?:\\.|[^"\\])*"|'[^']*'|\\./g, part => {
    switch (part[0]) {
      case '"':
        return part.slice(1, -1).replace(/\\(["\\])/g, '$1');
      case "'":
        return part.slice(1, -1);
      default:
        return part.slice(1);
    }
  });
}
