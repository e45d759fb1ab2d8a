import { Cell, ICellModel } from '@jupyterlab/cells';
import { INotebookTracker } from '@jupyterlab/notebook';
import { Debouncer } from '@lumino/polling';

import { Command } from './messages';
import { readCell } from './lines';

/** Chosen: a pause in typing, not a gap between two keys. */
export const PAUSE_MS = 300;

const RANKED = ['%%orch', '%%orch_select'];

/** The question about a cell's prompt, or null where there is none to rank. */
export function question(source: string, request: number): (Command & { type: 'rank' }) | null {
  const cell = readCell(source);
  return cell && RANKED.includes(cell.magic) && cell.prompt.trim()
    ? { type: 'rank', request, line: cell.line, prompt: cell.prompt }
    : null;
}

/** Who is asked: the model of the session in front. */
interface IAsked {
  send(command: Command): void;
  expect(request: number | null): void;
}

/** Asks about one text after the other, when its writer pauses; each question is numbered. */
export class Ranker {
  /** Two pages beside each other hear each other's answers: `first` is drawn at random. */
  constructor(
    private readonly asked: IAsked,
    private request: number
  ) {}

  /** The text as it is now, or null for none. */
  follow(source: string | null): void {
    this.source = source;
    if (source === null || question(source, 0) === null) {
      this.asked.expect(null);
    }
    void this.pause.invoke();
  }

  dispose(): void {
    this.pause.dispose();
  }

  private ask(): void {
    const command = this.source === null ? null : question(this.source, this.request + 1);
    if (command) {
      this.request += 1;
      this.asked.expect(this.request);
      this.asked.send(command);
    }
  }

  private source: string | null = null;
  private readonly pause = new Debouncer(() => this.ask(), PAUSE_MS);
}

/** Follows the cell with the cursor, in whichever notebook is in front. */
export function followActiveCell(tracker: INotebookTracker, ranker: Ranker): () => void {
  let model: ICellModel | null = null;
  const onContent = () => ranker.follow(model?.sharedModel.getSource() ?? null);
  const onCell = (_: unknown, cell: Cell | null) => {
    model?.contentChanged.disconnect(onContent);
    model = cell?.model ?? null;
    model?.contentChanged.connect(onContent);
    onContent();
  };
  tracker.activeCellChanged.connect(onCell);
  onCell(null, tracker.activeCell);
  return onContent;
}
