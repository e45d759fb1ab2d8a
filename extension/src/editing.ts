/** The part of a shared cell that text is written into. */
interface IText {
  getSource(): string;
  updateSource(start: number, end: number, value?: string): void;
}

/** Write only what differs, so that cursor, selection and undo stay where they are. */
export function replaceSource(text: IText, after: string): void {
  const before = text.getSource();
  if (before === after) {
    return;
  }
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) {
    start += 1;
  }
  let same = 0;
  while (
    same < shorter - start &&
    before[before.length - 1 - same] === after[after.length - 1 - same]
  ) {
    same += 1;
  }
  text.updateSource(start, before.length - same, after.slice(start, after.length - same));
}
